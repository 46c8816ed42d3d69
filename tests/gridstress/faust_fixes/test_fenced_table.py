"""A table's writes carry their epoch, and a partition of it can be dropped; in both stores."""

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import faust
import pytest
from faust import streams
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from gridstress.faust_fixes.fencing import Epoch
from gridstress.faust_fixes.recovery import make_safe

MINE = Epoch(7, "aaaaaaaa")


@pytest.fixture(params=["memory", "rocksdb"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A table of bytes that owns partitions 0 and 1; what it sends is kept in `table.sent`."""
    store = "memory://" if request.param == "memory" else "rocksdb://?driver=rocksdict"
    app = cast(
        Any,
        faust.App("fenced", broker="kafka://127.0.0.1:1", store=store, datadir=str(tmp_path)),
    )
    make_safe(app)
    Path(app.conf.tabledir).mkdir(parents=True)
    table: Any = app.Table("t", key_type=bytes, value_type=bytes)
    table.sent = []
    app.producer.send_soon = lambda future: table.sent.append(future.message)
    app.consumer.topic_partitions = lambda topic: 4
    table.epochs = {0: MINE, 1: MINE}
    return table


def write(table: Any, partition: int, key: bytes, value: bytes | None) -> None:
    """Set or delete as an agent does that handles a record of this partition."""
    tp = TP("source", partition)
    message = ConsumerMessage("source", partition, 0, 0.0, 0, [], b"", b"", None, 0, 0, tp)
    event = table.app.create_event(None, None, None, message)
    token = streams._current_event.set(weakref.ref(event))
    try:
        if value is None:
            del table[key]
        else:
            table[key] = value
    finally:
        streams._current_event.reset(token)


async def test_every_write_and_deletion_says_in_which_epoch_it_was_made(table: Any) -> None:
    write(table, 0, b"x", b"1")
    table.epochs[0] = Epoch(9, MINE.owner)
    write(table, 0, b"x", None)
    found = [(m.key, m.value, m.partition, m.headers) for m in table.sent]
    assert found == [
        (b"x", b"1", 0, [MINE.header]),
        (b"x", None, 0, [("epoch", b"9:aaaaaaaa")]),
    ]


async def test_nothing_is_written_to_a_partition_that_was_not_taken_over(table: Any) -> None:
    with pytest.raises(LookupError, match="partition 3 is not this worker's"):
        write(table, 3, b"x", b"1")
    assert not table.sent


class Producer:
    """Notes what it is given, and may do something in between."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.sent: list[Any] = []
        self.meanwhile = meanwhile

    async def send_many(self, topic: str, partition: int, records: Any) -> list[Any]:
        self.sent += [(topic, partition, *record) for record in records]
        self.meanwhile()
        return []


CHANGES = [(b"x", b"1"), (b"y", b"2"), (b"x", None), (b"z", b"3")]


async def test_changes_are_sent_in_order_and_then_made_here(table: Any) -> None:
    table.app.producer = producer = Producer()
    await table.write(1, CHANGES, MINE)
    topic = table.changelog_topic.get_topic_name()
    assert producer.sent == [(topic, 1, key, value, [MINE.header]) for key, value in CHANGES]
    assert sorted(table.stored_keys(1)) == [b"y", b"z"]
    assert (table.stored(1, b"x"), table.stored(1, b"y")) == (None, b"2")
    assert table.stored_keys(0) == []
    table.drop(1)
    assert table.stored_keys(1) == []


async def test_changes_to_a_partition_that_was_not_taken_over_are_refused(table: Any) -> None:
    table.app.producer = producer = Producer()
    with pytest.raises(LookupError, match="partition 3 is not this worker's"):
        await table.write(3, CHANGES, MINE)
    assert producer.sent == []


@pytest.mark.parametrize("epoch", [None, Epoch(9, MINE.owner)])
async def test_changes_are_not_made_here_if_the_partition_changed_hands_meanwhile(
    table: Any, epoch: Epoch | None
) -> None:
    """What was sent is of an epoch that no longer counts."""

    def taken_over() -> None:
        table.epochs.pop(1)
        if epoch is not None:
            table.epochs[1] = epoch

    table.app.producer = Producer(taken_over)
    with pytest.raises(LookupError):
        await table.write(1, CHANGES, MINE)
    assert table.stored_keys(1) == []


async def test_a_dropped_partition_is_gone_and_the_others_stay(table: Any) -> None:
    write(table, 0, b"x", b"1")
    write(table, 1, b"y", b"2")
    table.drop(0)
    assert (table.stored(0, b"x"), table.stored(1, b"y")) == (None, b"2")
    assert 0 not in table.epochs
    table.drop(0)  # what is gone can be dropped


async def test_a_value_is_read_in_the_bytes_of_the_changelog(table: Any) -> None:
    write(table, 0, b"x", b"1")
    write(table, 0, b"z", b"1")
    write(table, 0, b"z", None)
    assert (table.stored(0, b"x"), table.stored(0, b"z")) == (b"1", None)


async def test_a_value_of_a_window_is_read_in_the_bytes_of_the_changelog(table: Any) -> None:
    counts: Any = table.app.Table("counts").tumbling(60)
    counts.table.epochs = {0: MINE}
    write(counts.table, 0, ("word", (0.0, 59.9)), 3)
    assert counts.table.stored(0, b'["word",[0.0,59.9]]') == b"3"


async def test_a_changelog_is_not_compacted_before_the_next_take_over(table: Any) -> None:
    assert table.changelog_topic.config["min.compaction.lag.ms"] == "3600000"


def written_options(database: Path) -> str:
    """The options as RocksDB has noted them."""
    (found,) = database.glob("OPTIONS-*")
    return found.read_text()


async def test_the_store_does_not_grow_with_what_rocksdb_tells_of_itself(table: Any) -> None:
    if table.app.conf.store.scheme == "memory":
        pytest.skip("there is no RocksDB")
    write(table, 0, b"x", b"1")
    output = written_options(table.data.partition_path(0))
    assert "max_log_file_size=16384" in output
    assert "keep_log_file_num=2" in output
    assert "stats_dump_period_sec=0" in output
