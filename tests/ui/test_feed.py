"""What the feed of the views takes from its topics."""

import pytest
from aiokafka import ConsumerRecord

from tables.view_epoch import ViewEpoch
from ui.feed import Feed
from ui.store import Store

OWNER = ViewEpoch(5, "gridstress-risk_linear-changelog")


async def partitions() -> int:
    return 1


def tombstone(key: bytes) -> ConsumerRecord:
    return ConsumerRecord("view", 0, 0, 1, 0, key, None, None, len(key), 0, [OWNER.header])


def test_tombstones_of_runs_with_endless_names_are_not_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    feed = Feed({}, store, 1, "view", "status", "audit", "runs", partitions, {}, {})
    feed._take(tombstone(b'["linear","%b",0]' % (b"r" * 129)))
    assert "cannot show view/0@0" in caplog.text
    feed._take(tombstone(b'["linear","%b",0]' % (b"r" * 128)))
    assert list(store._dropped) == [("linear", "r" * 128, 0)]
