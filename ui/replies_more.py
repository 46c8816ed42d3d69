"""The API's answers about a whole run and about the workers: episodes, history, system.

As in :mod:`ui.replies`: event times are ISO-8601 UTC text, wall-clock times epoch seconds, and
fields that a newer worker adds are ignored.
"""

from msgspec import Struct

from ui.replies import SourceShare


class Episode(Struct, frozen=True):
    """One alarm from raise to clear; ``duration_s`` in event seconds, risk in [0, 1).

    ``steps`` counts its alerts, ``received_at`` is the broker's time of the last one.
    """

    episode_id: str
    model: str
    node_id: str
    name: str
    zone: str
    level: str
    open: bool
    raised_at: str
    cleared_at: str | None
    duration_s: float
    peak_risk: float
    steps: int
    sources: list[SourceShare] = []
    received_at: float = 0.0


class Episodes(Struct, frozen=True):
    """Alarm episodes, the one raised last first."""

    version: int
    run: str | None
    event_time: str | None
    episodes: list[Episode]


class HistoryPoint(Struct, frozen=True):
    """One final window; both measures are in [-1, 1] or None, the others are by model."""

    window_end: str
    top_k_overlap: float | None
    rank_correlation: float | None
    average_risk: dict[str, float]
    alarms: dict[str, int]


class EpisodePairs(Struct, frozen=True):
    """Episodes by model, pairs that overlap in time at one node, and ids without a partner."""

    counts: dict[str, int] = {}
    both: int = 0
    only: dict[str, list[str]] = {}


class Lead(Struct, frozen=True):
    """Which model raised a pair first: counts, and the median lead of the first, event seconds.

    ``median_s`` is negative when the second model was ahead, None without pairs.
    """

    median_s: float | None = None
    earlier: dict[str, int] = {}
    same: int = 0


class History(Struct, frozen=True):
    """How two models have agreed over a run, oldest window first; ``k`` is that of the overlap.

    ``to_compare`` windows have no agreement yet and come with later answers.
    """

    version: int
    run: str | None
    k: int
    points: list[HistoryPoint]
    to_compare: int = 0
    episodes: EpisodePairs = EpisodePairs()
    lead: Lead = Lead()


class WorkerStatus(Struct, frozen=True):
    """How one worker says it is; ``lag`` in records, counters since its start, memory in MB."""

    worker: str
    version: str = ""
    settings: str = ""
    python: str = ""
    faust: str = ""
    started_at: float = 0.0
    seen_at: float = 0.0
    status: str = ""
    partitions: dict[str, list[int]] = {}
    lag: dict[str, int] = {}
    frames: dict[str, int] = {}
    frames_per_s: dict[str, float] = {}
    duplicates: int = 0
    late_rows: int = 0
    ahead_rows: int = 0
    gaps: int = 0
    dead_letters: dict[str, int] = {}
    rss_mb: float | None = None


class System(Struct, frozen=True):
    """The workers seen within the last minute, and the settings in force by variable name."""

    version: int
    now: float
    settings: dict[str, str]
    workers: list[WorkerStatus]
