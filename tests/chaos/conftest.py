"""What tests of the plan of faults share."""

from collections.abc import Iterator

import pytest

from tests.support.shared_kafka import quick_java


@pytest.fixture
def quick_kafka() -> Iterator[None]:
    """Brokers that a test starts itself start faster; they live for minutes only."""
    with quick_java():
        yield
