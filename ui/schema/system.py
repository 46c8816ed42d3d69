"""The workers' status."""

from msgspec import Struct

from ui.schema.views import Part

GONE_S = 60.0
"""A worker that has been silent for so long is left out."""


ROLES = {"all": "worker", "worker": "worker without views", "views": "view server"}
"""The roles in words."""


class Counters(Struct, frozen=True):
    """What a worker has finished and refused since its start; rows are those of the newest run."""

    frames: dict[str, int] = {}
    duplicates: int = 0
    late_rows: int = 0
    ahead_rows: int = 0
    gaps: int = 0
    dead_letters: int = 0


class LostRecords(Struct, frozen=True):
    """Offsets ``first`` to ``upto`` - 1, which the broker deleted before they were read."""

    topic: str
    partition: int
    first: int
    upto: int


class Health(Struct, frozen=True):
    """How the worker that answered is: ``status`` is ok, starting, rebalancing or stalled.

    ``reason`` says why it is stalled, ``now`` is its own clock, ``role`` as in `WorkerStatus`.
    """

    status: str
    worker: str
    role: str = "all"
    reason: str | None = None
    version: str = ""
    settings: str = ""
    now: float = 0.0
    uptime_s: float = 0.0
    partitions: dict[str, list[int]] = {}
    counters: Counters = Counters()
    lost_records: list[LostRecords] = []
    idle_zones: list[str] = []
    parts: list[Part] = []


class WorkerStatus(Struct, frozen=True, kw_only=True):
    """One worker; wall-clock times in epoch seconds, ``rss_mb`` in 10^6 bytes.

    ``lag`` counts, by topic, the records of its partitions that it has not finished; ``frames``
    what each stage has finished since the start, ``frames_per_s`` how fast just now; ``settings``
    names the group's settings, which it has; ``role`` is all, worker (it has no views) or views
    (a view server: it does no work).
    """

    worker: str
    role: str = "all"
    version: str
    settings: str = ""
    python: str
    faust: str
    started_at: float
    seen_at: float
    status: str
    partitions: dict[str, list[int]]
    lag: dict[str, int]
    frames: dict[str, int]
    frames_per_s: dict[str, float]
    duplicates: int
    late_rows: int
    gaps: int
    ahead_rows: int = 0
    dead_letters: dict[str, int]
    rss_mb: float


class System(Struct, frozen=True):
    """The workers seen within the last minute, and the settings in force by variable name."""

    version: int
    now: float
    settings: dict[str, str]
    workers: list[WorkerStatus]


class Refused(Struct, frozen=True, omit_defaults=True):
    """Why there is no answer; ``exists`` are the names there are, ``reason`` as in dead letters.

    ``views`` is there if a worker without views was asked: names of processes that have them.
    """

    error: str
    exists: list[str] | None = None
    reason: str = ""
    views: list[str] | None = None


class Taken(Struct, frozen=True):
    """How many measurement frames were taken, and of how many rows."""

    frames: int
    rows: int
