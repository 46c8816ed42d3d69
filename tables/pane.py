"""One tumbling pane of one run and shard: mergeable sums beside what has been applied to them.

Sums are kept by zone and added up in the zones' order only when they are read: a zone's rows come
in order, the zones among themselves do not, and floating-point sums must not depend on that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np

from topology.messages import Floats


class _Sparse(msgspec.Struct, array_like=True):
    """A vector of mostly zeros: most hours only a few nodes are stressed."""

    size: int
    index: bytes
    values: bytes

    @classmethod
    def of(cls, vector: Floats) -> Self:
        (index,) = vector.nonzero()
        return cls(len(vector), index.astype(np.int32).tobytes(), vector[index].tobytes())

    def dense(self) -> Floats:
        vector = np.zeros(self.size)
        vector[np.frombuffer(self.index, np.int32)] = np.frombuffer(self.values)
        return vector


class _Packed(msgspec.Struct, array_like=True):
    applied: dict[str, int]
    stress: dict[str, _Sparse]
    source_stress: _Sparse


_decoder = msgspec.msgpack.Decoder(_Packed)


@dataclass(slots=True)
class Pane:
    """Stress-hours of a pane.

    Attributes
    ----------
    source_stress
        Own stress of each node of the grid, shape (grid nodes,).
    stress
        By zone, what its sources add to the shard's nodes, shape (shard nodes,).
    applied
        By zone, the last sequence number that is in these sums.
    """

    source_stress: Floats
    stress: dict[str, Floats] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        zone: str,
        seq: int,
        stress: Floats,
        sources: Sequence[int],
        source_stress: Floats,
    ) -> None:
        """Add one row, unless it is in the sums already.

        Parameters
        ----------
        stress
            What it adds to the shard's nodes, shape (shard nodes,).
        sources, source_stress
            Grid positions of its sources, each once, and their own stress, shape (sources,).
        """
        if seq <= self.applied.get(zone, -1):
            return
        self.applied[zone] = seq
        self.source_stress[sources] += source_stress
        known = self.stress.get(zone)
        if known is None:
            self.stress[zone] = stress.copy()
        else:
            known += stress

    def total(self, shard_size: int) -> Floats:
        """Stress over all zones, shape (shard nodes,)."""
        total = np.zeros(shard_size)
        for zone in sorted(self.stress):
            total += self.stress[zone]
        return total

    def pack(self) -> bytes:
        """This pane as a table value."""
        packed = _Packed(
            applied=self.applied,
            stress={zone: _Sparse.of(values) for zone, values in self.stress.items()},
            source_stress=_Sparse.of(self.source_stress),
        )
        return msgspec.msgpack.encode(packed)

    @classmethod
    def unpack(cls, raw: bytes | memoryview) -> Self:
        """A pane from a table value."""
        packed = _decoder.decode(raw)
        return cls(
            source_stress=packed.source_stress.dense(),
            stress={zone: values.dense() for zone, values in packed.stress.items()},
            applied=packed.applied,
        )
