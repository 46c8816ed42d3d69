"""A case: the grid, broker, store, workers and window that a measurement uses."""

from dataclasses import asdict, dataclass
from typing import Any

STEP_S = 3600
"""Every bench counts in panes of an hour, the data's own resolution."""

GRIDS = ("germany", "refined-2000", "pegase-9241")
LARGE_GRID = "refined-100000"
"""Only the part ``large`` measures it."""
STORES = ("rocksdb", "memory")
BROKERS = ("apache", "embedded")
ROLES = ("all", "worker")
"""What workers do: everything, or all but the views, which a process of its own then serves."""


@dataclass(frozen=True)
class Case:
    """One set of circumstances; the default is the one that the targets are set for.

    Attributes
    ----------
    grid, store, broker
        One of ``GRIDS`` or ``LARGE_GRID``, of ``STORES``, of ``BROKERS``.
    workers
        How many share the work.
    span
        Steps a window covers, ``size / step``.
    role
        One of ``ROLES``. With ``worker`` a view server runs beside the workers.
    """

    grid: str = "refined-2000"
    store: str = "rocksdb"
    broker: str = "apache"
    workers: int = 1
    span: int = 6
    role: str = "all"

    @property
    def environment(self) -> dict[str, str]:
        """Settings of the workers, and of all that must agree with them."""
        return {
            "GRIDSTRESS_STORE": self.store,
            "GRIDSTRESS_STEP_S": str(STEP_S),
            "GRIDSTRESS_SIZE_S": str(self.span * STEP_S),
        }

    def to_dict(self) -> dict[str, Any]:
        """Case as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        """A short name, such as ``refined-2000, rocksdb, apache``."""
        parts = [self.grid, self.store, self.broker]
        parts += [f"{self.workers} workers"] if self.workers > 1 else []
        parts += [f"role {self.role}"] if self.role != Case.role else []
        parts += [f"size/step {self.span}"] if self.span != Case.span else []
        return ", ".join(parts)
