"""Views of the grid under a model: state, ranking, alerts, one node, two models."""

from msgspec import Struct

from ui.schema.grid import GridNode

AFFECTED_RISK = 0.05
"""From this risk on a node counts as affected."""


class RunAnswer(Struct, frozen=True, kw_only=True):
    """Of which run and moment an answer is; ``version`` grows when anything has changed."""

    version: int
    run: str | None
    event_time: str | None


class ModelAnswer(RunAnswer, frozen=True, kw_only=True):
    """The same under one model; ``watermark`` is what is final."""

    model: str
    watermark: str | None


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
    """Who published one shard's state, when (``published_at``, epoch seconds), and how far it is.

    ``closed_until`` is the last window end that the shard has closed, ``applied`` the number of
    the last row that it has counted, by zone.
    """

    shard: int
    worker: str
    published_at: float
    event_time: str | None = None
    watermark: str | None = None
    closed_until: str | None = None
    applied: dict[str, int] = {}


class GridState(ModelAnswer, frozen=True, kw_only=True):
    """All nodes' values under one model; ``risk``, ``stress``, ``level`` are aligned to ``nodes``.

    ``speed`` is event seconds per wall second, or None. ``source`` and ``synthetic`` are the run
    record's, None where there is none. ``load_mw`` is each node's load in the last hour, None
    where it is not known.
    """

    source: str | None = None
    synthetic: bool | None = None
    ended: bool
    speed: float | None
    nodes: list[str]
    risk: list[float]
    stress: list[float]
    level: list[str]
    load_mw: list[float | None] = []
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


class Top(ModelAnswer, frozen=True, kw_only=True):
    """The nodes with the highest risk, highest first."""

    nodes: list[TopNode]


class SourceShare(Struct, frozen=True):
    """How much of a node's stress came from one node, ``share`` in [0, 1]."""

    node_id: str
    share: float


class Alert(Struct, frozen=True):
    """One step of an alarm episode; ``received_at`` is the broker's time of it, epoch seconds.

    ``peak_risk`` is the highest risk of the episode's windows so far, None where it is not known.
    """

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
    peak_risk: float | None = None


class Alerts(ModelAnswer, frozen=True, kw_only=True):
    """Alerts, newest first."""

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


class NodeDetail(ModelAnswer, frozen=True, kw_only=True):
    """One node under one model, with the windows of the last 7 days of event time.

    ``load_mw`` is its load in the last hour, None where it is not known.
    """

    node: GridNode
    neighbours: list[str]
    risk: float
    stress: float
    level: str
    load_mw: float | None = None
    panes: list[Pane] = []
    windows: list[Window] = []
    sources: list[SourceShare] = []
    alerts: list[Alert] = []


class OpenWindow(Struct, frozen=True):
    """A window that is not final; ``stress`` (h) and ``risk`` are aligned to ``nodes``."""

    window_start: str
    window_end: str
    nodes: list[str]
    stress: list[float]
    risk: list[float]


class OpenWindows(ModelAnswer, frozen=True, kw_only=True):
    """Windows with data that are not final, oldest first.

    Those that end after ``complete_until`` may lack panes that a shard does not show.
    """

    complete_until: str | None
    windows: list[OpenWindow]


class ModelFigures(Struct, frozen=True):
    """One model's side of a comparison; the arrays are aligned to ``Compare.nodes``."""

    risk: list[float]
    level: list[str]
    active_alarms: int
    average_risk: float


class Beside(Struct, frozen=True):
    """The run set beside another one: ``shift_s`` is added to its times to make them the other's.

    ``event_time`` is the end of its window then, None where it has none.
    """

    run: str
    event_time: str | None
    shift_s: int


class Compare(RunAnswer, frozen=True, kw_only=True):
    """Two models next to each other; both measures are in [-1, 1] or None.

    Of two runs, ``beside`` is the second, and the names of ``models`` are the runs'.
    """

    nodes: list[str]
    models: dict[str, ModelFigures]
    top_k_overlap: float | None
    rank_correlation: float | None
    beside: Beside | None = None
