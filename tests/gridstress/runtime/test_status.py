"""What a worker tells of how far it is behind."""

import time
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from faust.types import TP

from gridstress.kafka import topics
from gridstress.runtime.status import SILENT_S, Status
from tests.support.memory import lone_consumer
from tests.ui.literal_api import worker
from ui.api.view_store import Store

DETECTED = TP(topics.STRESS, 0)
TABLE = TP("gridstress-risk_linear-changelog", 0)


@pytest.fixture
def consumer() -> Any:
    """A consumer that has read its partition to offset 8, the last record being at 6."""
    consumer = lone_consumer()
    consumer.assignment = lambda: {DETECTED, TABLE}
    consumer.highwater = lambda tp: 8
    consumer._thread.next_offset = lambda tp: 8
    consumer._handed_over[DETECTED].extend([5, 6])
    return consumer


def status_of(consumer: Any) -> Status:
    app: Any = SimpleNamespace(consumer=consumer, producer_only=False)
    nothing: Any = None
    return Status(app, nothing, nothing, ["linear"], nothing, nothing)


def test_lag_is_what_is_not_acknowledged_and_not_the_mark_of_a_transaction(consumer: Any) -> None:
    consumer._acked_index[DETECTED].add(6)
    assert status_of(consumer).partition_lag() == {DETECTED: 1}
    consumer._acked_index[DETECTED].add(5)
    assert status_of(consumer).lag()[topics.STRESS] == 0


def test_for_a_view_server_the_worker_furthest_behind_counts_unless_it_is_silent() -> None:
    store, nothing = Store(), cast(Any, None)
    app = cast(Any, SimpleNamespace(consumer=lone_consumer(), producer_only=True))
    status = Status(app, store, nothing, ["linear"], nothing, nothing)
    assert (status.waiting(), status.partitions(), status.lag()) == (None, {}, {})
    now = time.time()
    for other in ({"role": "views"}, {"status": "starting"}):
        seen = worker(next(iter(other)), now) | {"lag": {}} | other
        store.apply_status(msgspec.json.encode(seen), now)
    assert status.waiting() is None
    for name, lag, ago_s in (("gone", 9000, SILENT_S + 5), ("one", 3, 1), ("other", 70, 0)):
        seen = worker(name, now - ago_s) | {"lag": {topics.MEASUREMENTS: lag}}
        store.apply_status(msgspec.json.encode(seen), now - ago_s)
    assert status.waiting() == 70


def test_a_worker_that_won_a_partition_back_is_not_behind_by_what_another_has_done(
    consumer: Any,
) -> None:
    consumer._forget([DETECTED])
    consumer._committed_offset[DETECTED] = 7
    assert status_of(consumer).partition_lag() == {DETECTED: 0}
