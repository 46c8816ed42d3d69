"""Runs: their list, records, audits, alarm episodes, and the agreement of two models."""

from msgspec import Struct, convert, to_builtins

from topology import run_messages
from ui.schema.views import Beside, RunAnswer, SourceShare


class ZoneSent(Struct, frozen=True):
    """What was sent of a zone: rows, the last one's number, and whether it was the last of all."""

    rows: int
    last_seq: int
    final: bool


class RunRecord(Struct, frozen=True, kw_only=True):
    """What the sender of a run says of it; ``synthetic`` is None where it does not know.

    It is the topic's record without ``run`` and ``schema``: ``docs/messages.md`` explains it.
    """

    kind: str
    state: str
    source: str
    synthetic: bool | None = None
    credit: str = ""
    start: str | None = None
    end: str | None = None
    grid: str
    grid_fingerprint: str
    settings_fingerprint: str
    models: list[str]
    zones: list[str]
    sent: dict[str, ZoneSent]
    began: str
    ended: str | None = None
    made_from: str | None = None
    changes: list[str] = []


class ModelAudit(Struct, frozen=True):
    """Up to which window end a model is verified, and how many differences were found."""

    verified_until: str | None
    differences: int


class Audit(Struct, frozen=True):
    """The auditor's last status of a run, and its time by the broker's clock."""

    updated_at: float
    state: str
    models: dict[str, ModelAudit]
    measured_until: str | None = None
    differences: int = 0
    first: list[str] = []
    reason: str = ""
    complete: bool = False


class RunInfo(Struct, frozen=True):
    """One replay, or the live feed; ``record`` is None where its sender has written none.

    ``settings_changed``: it was ended when other settings were accepted. ``audit`` is None where
    there is no auditor. ``archived``: only the archive has it (``/history/runs``).
    """

    run: str
    event_time: str | None
    watermark: str | None
    ended: bool
    published_at: float
    settings_changed: bool = False
    record: RunRecord | None = None
    audit: Audit | None = None
    archived: bool = False


class PastRun(Struct, frozen=True, kw_only=True):
    """One run in the archive: its event times, rows with loads, alarm episodes of all models.

    ``bytes`` is what it takes on disk, ``written_at`` when it was last added to, epoch seconds.
    """

    run: str
    begins: str | None
    ends: str | None
    rows: int
    episodes: int
    bytes: int
    written_at: float
    record: RunRecord | None = None


class PastRuns(Struct, frozen=True):
    """The archived runs, the one written last first."""

    runs: list[PastRun]


class Extremes(Struct, frozen=True, kw_only=True):
    """The highest risk of every window of a run, and how many alarms were raised at its end."""

    run: str
    model: str
    window_end: list[str]
    risk: list[float]
    raised: list[int]


class Runs(Struct, frozen=True):
    """All runs the worker knows, the newest first: of those that go on, then of the others."""

    runs: list[RunInfo]


class Episode(Struct, frozen=True):
    """One alarm from raise to clear; ``duration_s`` in event seconds, risk in [0, 1).

    ``peak_risk`` is the highest risk of its final windows, ``sources`` are those of the alert with
    the highest risk. ``steps`` counts its alerts, ``received_at`` is the broker's time of the first
    one.
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


class Episodes(RunAnswer, frozen=True, kw_only=True):
    """Alarm episodes, the one raised last first."""

    episodes: list[Episode]


class HistoryPoint(Struct, frozen=True):
    """One final window; both measures are in [-1, 1] or None, the others are by model."""

    window_end: str
    top_k_overlap: float | None
    rank_correlation: float | None
    average_risk: dict[str, float]
    alarms: dict[str, int]


class EpisodePairs(Struct, frozen=True):
    """Episodes by model, pairs that overlap in time at one node, and ids without a partner.

    Those raised up to ``since``, if it is not None, are no longer all kept, and do not count.
    """

    counts: dict[str, int] = {}
    both: int = 0
    only: dict[str, list[str]] = {}
    since: str | None = None


class Lead(Struct, frozen=True):
    """Which model raised a pair first: counts, and the median lead of the first, event seconds.

    ``median_s`` is negative when the second model was ahead, None without pairs.
    """

    median_s: float | None = None
    earlier: dict[str, int] = {}
    same: int = 0


class History(Struct, frozen=True):
    """How two models have agreed over a run, oldest window first; ``k`` is that of the overlap.

    ``to_compare`` windows have no agreement yet and come with later answers. Of two runs,
    ``beside`` is the second, and the names of models are the runs'.
    """

    version: int
    run: str | None
    k: int
    points: list[HistoryPoint]
    to_compare: int = 0
    episodes: EpisodePairs = EpisodePairs()
    lead: Lead = Lead()
    beside: Beside | None = None


def run_record(record: run_messages.RunRecord | None) -> RunRecord | None:
    """The topic's record as answers have it; None for none."""
    return None if record is None else convert(to_builtins(record), RunRecord)
