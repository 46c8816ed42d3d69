"""The grid, its models and the settings that explain the numbers."""

from msgspec import Struct, field


class GridNode(Struct, frozen=True):
    """A substation: ``share`` of its zone's load in [0, 1], ``rating_mw`` in MW.

    A node without load has no rating. ``assumed`` names what no source gave, of ``zone``,
    ``share``, ``rating_mw`` and ``position``.
    """

    id: str
    name: str
    lat: float
    lon: float
    zone: str
    share: float = 0.0
    rating_mw: float | None = None
    sensitivity: float = 0.0
    assumed: list[str] = []


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
    """A model as people see it: its title, and one sentence."""

    title: str
    explanation: str = ""


class GridInfo(Struct, frozen=True):
    """The topology and how it is judged; changes only when a worker starts with another one.

    ``assumptions`` says how the nodes' ``assumed`` values were found, in words by field.
    """

    name: str
    nodes: list[GridNode]
    lines: list[GridLine]
    models: list[str]
    settings: GridSettings
    zones: list[str] = []
    credit: str = ""
    note: str = ""
    assumptions: dict[str, str] = {}
    model_info: dict[str, ModelInfo] = {}
