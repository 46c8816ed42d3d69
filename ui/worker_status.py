"""How a worker is, as it tells the others every two seconds."""

import msgspec

GONE_S = 60.0
"""A worker that has been silent for so long is left out."""


class WorkerStatus(msgspec.Struct, kw_only=True):
    """One worker; wall-clock times in epoch seconds, ``rss_mb`` in 10^6 bytes.

    ``lag`` counts, by topic, the records of its partitions that it has not finished; ``frames``
    what each stage has finished since the start, ``frames_per_s`` how fast just now; ``settings``
    names the group's settings, which it has.
    """

    worker: str
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
