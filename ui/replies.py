"""The API's answers as the client reads them, typed; ``docs/api.md`` explains every field.

Fields that a newer worker adds are ignored. Event times are ISO-8601 UTC text, wall-clock times
are epoch seconds.
"""

from msgspec import Struct, field


class GridNode(Struct, frozen=True):
    """A substation: ``share`` of its zone's load in [0, 1], ``rating_mw`` in MW."""

    id: str
    name: str
    lat: float
    lon: float
    zone: str
    share: float = 0.0
    rating_mw: float = 0.0
    sensitivity: float = 0.0


class GridLine(Struct, frozen=True):
    """A line between two nodes; length in km, voltage in kV, ``coupling`` in (0, 1]."""

    source: str
    target: str
    length_km: float
    voltage_kv: float
    coupling: float


class GridSettings(Struct, frozen=True):
    """The worker's settings that explain its numbers; times in seconds."""

    step_s: int = 3600
    size_s: int = 21_600
    lateness_s: int = 3600
    max_hops: int = 3
    decay: float = 0.7
    alpha: float = 0.6
    centrality: str = "degree"
    stress_threshold: float = 0.85
    levels: dict[str, float] = field(
        default_factory=lambda: {"CLEAR": 0.4, "WARNING": 0.5, "HIGH": 0.7, "CRITICAL": 0.9}
    )
    partitions: int = 4


class ModelInfo(Struct, frozen=True):
    """What people are told of a model: its title, and one sentence."""

    title: str
    explanation: str = ""


class GridInfo(Struct, frozen=True):
    """The topology and how it is judged; changes only when a worker starts with another one."""

    name: str
    nodes: list[GridNode]
    lines: list[GridLine]
    models: list[str]
    settings: GridSettings
    zones: list[str] = []
    credit: str = ""
    note: str = ""
    model_info: dict[str, ModelInfo] = {}


class RunRecord(Struct, frozen=True):
    """What the sender of a run says of it; ``synthetic`` is None where it does not know."""

    kind: str
    state: str
    source: str
    synthetic: bool | None = None
    credit: str = ""
    made_from: str | None = None
    changes: list[str] = []


class ModelAudit(Struct, frozen=True):
    """Up to which window end a model is verified, and how many differences were found."""

    verified_until: str | None
    differences: int


class Audit(Struct, frozen=True):
    """What the auditor last said of a run, and when by the broker's clock."""

    said_at: float
    state: str
    models: dict[str, ModelAudit]
    measured_until: str | None = None
    differences: int = 0
    first: list[str] = []
    reason: str = ""


class RunInfo(Struct, frozen=True):
    """One replay, or the live feed; ``record`` is None where its sender has written none.

    ``settings_changed``: it was ended when other settings were accepted. ``audit`` is None where
    no auditor has said anything.
    """

    run: str
    event_time: str | None
    watermark: str | None
    ended: bool
    published_at: float
    settings_changed: bool = False
    record: RunRecord | None = None
    audit: Audit | None = None


class Runs(Struct, frozen=True):
    """All runs the worker knows, the one active last first."""

    runs: list[RunInfo]


class HighestRisk(Struct, frozen=True):
    """The node with the highest risk, in [0, 1)."""

    node_id: str
    risk: float


class Kpis(Struct, frozen=True):
    """Figures of the whole grid; ``active_alarms`` counts nodes by level, and their ``total``."""

    active_alarms: dict[str, int]
    affected_nodes: int
    average_risk: float
    highest_risk: HighestRisk | None = None


class Part(Struct, frozen=True):
    """Who published one shard's state, and when (``published_at``, epoch seconds)."""

    shard: int
    worker: str
    published_at: float
    event_time: str | None = None
    watermark: str | None = None


class GridState(Struct, frozen=True):
    """All nodes' values under one model; ``risk``, ``stress``, ``level`` are aligned to ``nodes``.

    ``speed`` is event seconds per wall second, or None.
    """

    version: int
    model: str
    run: str | None
    event_time: str | None
    watermark: str | None
    ended: bool
    speed: float | None
    nodes: list[str]
    risk: list[float]
    stress: list[float]
    level: list[str]
    kpis: Kpis
    parts: list[Part] = []


class TopNode(Struct, frozen=True):
    """One row of the ranking; ``change`` is the risk less that of the last final window."""

    node_id: str
    name: str
    zone: str
    risk: float
    stress: float
    level: str
    change: float | None = None


class Top(Struct, frozen=True):
    """The nodes with the highest risk, highest first."""

    version: int
    model: str
    run: str | None
    event_time: str | None
    nodes: list[TopNode]


class SourceShare(Struct, frozen=True):
    """How much of a node's stress came from one node, ``share`` in [0, 1]."""

    node_id: str
    share: float


class Alert(Struct, frozen=True):
    """One step of an alarm episode; ``received_at`` is the broker's time of it, epoch seconds."""

    alert_id: str
    episode_id: str
    model: str
    run: str
    node_id: str
    timestamp: str
    window_start: str
    window_end: str
    risk_score: float
    level: str
    state: str
    sources: list[SourceShare]
    received_at: float


class Alerts(Struct, frozen=True):
    """Alerts, newest first."""

    version: int
    model: str
    run: str | None
    alerts: list[Alert]


class Pane(Struct, frozen=True):
    """Stress (h) a node took on in one step beginning at ``start``."""

    start: str
    stress: float


class Window(Struct, frozen=True):
    """The final values of one window of a node."""

    window_end: str
    stress: float
    risk: float


class NodeDetail(Struct, frozen=True):
    """One node under one model, with the windows of the last 7 days of event time.

    ``parts_at`` is not of the API: :mod:`ui.rewind` says by it of when panes and sources are.
    """

    version: int
    node: GridNode
    neighbours: list[str]
    model: str
    run: str | None
    event_time: str | None
    risk: float
    stress: float
    level: str
    panes: list[Pane] = []
    windows: list[Window] = []
    sources: list[SourceShare] = []
    alerts: list[Alert] = []
    parts_at: str | None = None


class ModelFigures(Struct, frozen=True):
    """One model's side of a comparison; the arrays are aligned to ``Compare.nodes``."""

    risk: list[float]
    level: list[str]
    active_alarms: int
    average_risk: float


class Compare(Struct, frozen=True):
    """Two models next to each other; both measures are in [-1, 1] or None."""

    version: int
    run: str | None
    event_time: str | None
    nodes: list[str]
    models: dict[str, ModelFigures]
    top_k_overlap: float | None
    rank_correlation: float | None


class Health(Struct, frozen=True):
    """How the worker that answered is: ``status`` is ok, starting, rebalancing or stalled.

    ``reason`` says why it is stalled.
    """

    status: str
    worker: str
    reason: str | None = None
    version: str = ""
    settings: str = ""
    now: float = 0.0
    uptime_s: float = 0.0
    partitions: dict[str, list[int]] = {}
    silent_zones: list[str] = []
    parts: list[Part] = []
