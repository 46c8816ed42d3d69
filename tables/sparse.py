"""A vector of mostly zeros as bytes: in most hours only a few nodes are stressed."""

from collections.abc import Iterator
from typing import Self

import msgspec
import numpy as np

from topology.messages import Floats

INDEX, VALUE = np.dtype("<i4"), np.dtype("<f8")
WHOLE = slice(0, None)


class SparseVector(msgspec.Struct, array_like=True, frozen=True):
    """The places of a vector that are not 0 and what is there; as JSON it is base64.

    Attributes
    ----------
    size
        Length of the vector.
    index, values
        The places, ascending, as 32-bit integers, and as many doubles; both little-endian.
    """

    size: int
    index: bytes
    values: bytes

    @classmethod
    def of(cls, vector: Floats, columns: slice = WHOLE) -> Self:
        """What a vector has in these columns."""
        (index,) = vector[columns].nonzero()
        index = (index + columns.start).astype(INDEX)
        return cls(len(vector), index.tobytes(), vector[index].astype(VALUE).tobytes())

    def put(self, vector: Floats) -> Floats:
        """Write the columns that are not 0 into a vector of the same size."""
        vector[np.frombuffer(self.index, INDEX)] = np.frombuffer(self.values, VALUE)
        return vector

    def dense(self) -> Floats:
        """The whole vector, shape (size,)."""
        return self.put(np.zeros(self.size))

    def items(self) -> Iterator[tuple[int, float]]:
        """Yield the places that are not 0, ascending, and what is there."""
        index, values = np.frombuffer(self.index, INDEX), np.frombuffer(self.values, VALUE)
        yield from zip(index.tolist(), values.tolist(), strict=True)

    def is_of(self, size: int) -> bool:
        """Whether it is a vector of this size with finite values: others may have written it."""
        if self.size != size or len(self.index) % INDEX.itemsize:
            return False
        index = np.frombuffer(self.index, INDEX)
        if len(self.values) != len(index) * VALUE.itemsize:
            return False
        ascending = (np.diff(index, prepend=-1, append=size) > 0).all()
        return bool(ascending and np.isfinite(np.frombuffer(self.values, VALUE)).all())
