"""One tumbling pane of one run and shard: mergeable sums beside what has been applied to them.

Sums are kept by zone and added up in the zones' order only when they are read: a zone's rows come
in order, the zones among themselves do not, and floating-point sums must not depend on that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np

from tables.shard_state import Indices
from tables.sparse import SparseVector
from topology.messages import Floats


class _Packed(msgspec.Struct, array_like=True):
    applied: dict[str, int]
    stress: dict[str, SparseVector]
    source_stress: SparseVector


_decoder = msgspec.msgpack.Decoder(_Packed)

MAX_PART_BYTES = 1 << 20
"""Size of the largest part of a pane, about; a record of the changelog has at most 2 MB."""

_CELL_BYTES = 12
"""A stressed node: its index and its value."""

_VECTOR_BYTES = 200
"""What a vector takes in memory beside its values."""


def part_width(zones: int) -> int:
    """Columns of a part, such that it is not too large when all zones stress all its nodes."""
    return max(1, MAX_PART_BYTES // (_CELL_BYTES * (zones + 1)))


@dataclass(slots=True)
class Pane:
    """Stress-hours of a pane.

    It is stored in parts of ``width`` columns each, of the shard's nodes and of the grid's nodes.
    Each part says what has been applied to it, so a crash between two parts does no harm. All but
    the largest grids have one part.

    Attributes
    ----------
    source_stress
        Own stress of each node of the grid, shape (grid nodes,).
    width
        Columns of a part.
    stress
        By zone, what its sources add to the shard's nodes, shape (shard nodes,).
    applied
        By part and zone, the last sequence number that is in these sums.
    """

    source_stress: Floats
    width: int
    stress: dict[str, Floats] = field(default_factory=dict)
    applied: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        missing = max(1, -(-len(self.source_stress) // self.width)) - len(self.applied)
        self.applied += [{} for _ in range(missing)]

    def add(
        self,
        zone: str,
        seq: int,
        stress: Floats,
        sources: Indices,
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
        if len(self.applied) > 1:
            stress, source_stress = self._unapplied(zone, seq, stress, sources, source_stress)
        elif seq <= self.applied[0].get(zone, -1):
            return
        else:
            self.applied[0][zone] = seq
        self.source_stress[sources] += source_stress
        known = self.stress.get(zone)
        if known is None:
            self.stress[zone] = stress.copy()
        else:
            known += stress

    def _unapplied(
        self, zone: str, seq: int, stress: Floats, sources: Indices, source_stress: Floats
    ) -> tuple[Floats, Floats]:
        """The row's values, but 0 in the parts that have them already."""
        stress, source_stress = stress.copy(), source_stress.copy()
        part_of_source = sources // self.width
        for part, applied in enumerate(self.applied):
            columns, of_part = self._columns(part), part_of_source == part
            if seq <= applied.get(zone, -1):
                stress[columns] = 0.0
                source_stress[of_part] = 0.0
            elif stress[columns].any() or source_stress[of_part].any():
                applied[zone] = seq
        return stress, source_stress

    def _columns(self, part: int) -> slice:
        return slice(part * self.width, (part + 1) * self.width)

    @property
    def memory(self) -> int:
        """Bytes that it takes in memory, about."""
        vectors = [self.source_stress, *self.stress.values()]
        return sum(vector.nbytes + _VECTOR_BYTES for vector in vectors)

    def total(self, shard_size: int) -> Floats:
        """Stress over all zones, shape (shard nodes,)."""
        total = np.zeros(shard_size)
        for zone in sorted(self.stress):
            total += self.stress[zone]
        return total

    def pack(self) -> dict[int, bytes]:
        """The parts that hold something, as table values, by their number."""
        return {part: self._pack(part) for part, applied in enumerate(self.applied) if applied}

    def _pack(self, part: int) -> bytes:
        columns, applied = self._columns(part), self.applied[part]
        packed = _Packed(
            applied=applied,
            stress={
                zone: SparseVector.of(values, columns)
                for zone, values in self.stress.items()
                if zone in applied
            },
            source_stress=SparseVector.of(self.source_stress, columns),
        )
        return msgspec.msgpack.encode(packed)

    @classmethod
    def unpack(
        cls, raw: Mapping[int, bytes | memoryview], width: int, *, whole: bool = False
    ) -> Self:
        """A pane from its parts, one at least; ``whole`` if one value holds all columns."""
        packed = {part: _decoder.decode(value) for part, value in raw.items()}
        first = next(iter(packed.values()))
        pane = cls(np.zeros(first.source_stress.size), width)
        for number, part in packed.items():
            part.source_stress.put(pane.source_stress)
            for zone, values in part.stress.items():
                values.put(pane.stress.setdefault(zone, np.zeros(values.size)))
            pane.applied[number] = part.applied
        if whole:
            pane.applied = [dict(first.applied) for _ in pane.applied]
        return pane
