"""How much of what follows from a run the workers must have said by now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from topology.messages import Floats


@dataclass(frozen=True)
class Due:
    """What must be there; of the rest, what is there must be right.

    Attributes
    ----------
    windows_s
        Windows that end by then (epoch seconds); of a shard also those that end before one that
        is there.
    alerts_s
        By model: the ends of the windows by which each shard's alerts are due, shape (shards,);
        of a model that is left out all are.
    rows
        By zone: the last sequence number for which letters of rows set aside are due; of a zone
        that is left out all are.
    """

    windows_s: float = inf
    alerts_s: Mapping[str, Floats] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


ALL = Due()
"""Everything, as of a run that the workers have worked off."""
