import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.sparse import SparseVector

LAST = (1).to_bytes(4, "little")
ONE = np.array([1.0]).tobytes()


@given(st.lists(st.sampled_from([0.0, 1 / 3, 1e100]), max_size=30))
def test_a_vector_reads_back_unchanged_from_json(values: list[float]) -> None:
    raw = msgspec.json.encode(SparseVector.of(np.array(values)))
    read = msgspec.json.decode(raw, type=SparseVector)
    assert read.dense().tolist() == values
    assert list(read.items()) == [(i, value) for i, value in enumerate(values) if value]
    assert read.is_of(len(values))
    assert not read.is_of(len(values) + 1)


def test_columns_of_a_vector_are_put_where_they_were() -> None:
    vector = np.array([1.0, 0.0, 2.0, 3.0])
    assert SparseVector.of(vector, slice(2, 4)).put(np.zeros(4)).tolist() == [0.0, 0.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("index", "values"),
    [
        (LAST, b""),
        (LAST[:3], ONE),
        ((2).to_bytes(4, "little"), ONE),
        ((-1).to_bytes(4, "little", signed=True), ONE),
        (LAST + LAST, ONE + ONE),
        (LAST, np.array([np.nan]).tobytes()),
        (LAST, np.array([np.inf]).tobytes()),
    ],
    ids=["no value", "half an index", "beyond", "before", "twice", "NaN", "infinite"],
)
def test_what_is_no_vector_of_the_size_is_found(index: bytes, values: bytes) -> None:
    assert SparseVector(2, LAST, ONE).is_of(2)
    assert not SparseVector(2, index, values).is_of(2)
