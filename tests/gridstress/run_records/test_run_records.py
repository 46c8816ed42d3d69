"""What a run's record counts, how records are merged, and when they are written."""

from collections.abc import Iterable
from dataclasses import replace as with_changes
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.harness.brokers import embedded_broker
from gridstress.kafka.topic_reader import read_topic
from gridstress.kafka.topics import MEASUREMENTS, RUNS, ensure_topics
from gridstress.run_records.frame_sinks import KafkaSink
from gridstress.run_records.ledger import Ledger
from gridstress.run_records.posted import PostedRuns
from gridstress.run_records.reading import read_records
from gridstress.run_records.record import (
    Origin,
    Sender,
    check_known,
    interrupted,
    merged,
    with_frame,
    zone_sent,
)
from gridstress.run_records.recorded_sink import RecordedSink
from gridstress.settings import load_settings
from tests.support.frames import at, ended, measured
from tests.support.memory import Topic
from topology.codec import encode
from topology.errors import MessageError, UsageError
from topology.grid import Grid, Node
from topology.messages import MeasurementFrame
from topology.run_messages import RunRecord, ZoneSent, decode_run_record

GRID = Grid("two", tuple(Node(z[0], "", 50, 9, z, 1.0, 100.0, 0.5) for z in ("north", "south")), ())
LIVE = Sender(Origin("live", "a program", synthetic=None), load_settings(), GRID)
REPLAY = Sender(
    Origin("replay", "load.csv", synthetic=True, credit="X", start=at(0), end=at(9)),
    load_settings(),
    GRID,
)


def north(first: int, rows: int, **options: Any) -> MeasurementFrame:
    hours = range(first, first + rows)
    return measured("north", hours, {"n": [1.0] * rows}, **options)


def counted(record: RunRecord, frames: Iterable[MeasurementFrame]) -> RunRecord:
    for frame in frames:
        record = with_frame(record, frame)
    return record


class Written:
    """Keeps the records that a ledger writes."""

    def __init__(self) -> None:
        self.records: list[RunRecord] = []
        self.ledger = Ledger(self.write)

    async def write(self, record: RunRecord) -> None:
        self.records.append(record)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=12))
def test_every_row_counts_once_however_it_is_sent_again(pieces: list[tuple[int, int]]) -> None:
    sent, taken, last = None, 0, -1
    for first, rows in pieces:
        sent = zone_sent(sent, north(first, rows))
        for number in range(first, first + rows):
            if number > last:
                taken, last = taken + 1, number
    assert sent == (ZoneSent(taken, last) if pieces else None)


def test_a_final_frame_is_no_row_but_has_a_number() -> None:
    sent = zone_sent(zone_sent(None, north(0, 3)), ended("north", 3))
    assert sent == ZoneSent(rows=3, last_seq=3, final=True)


def test_a_run_has_ended_when_every_zone_of_the_grid_has() -> None:
    record = counted(REPLAY.record("r"), [north(0, 3), ended("north", 3)])
    assert (record.state, record.ended) == ("running", None)
    record = with_frame(record, ended("south", 0))
    assert record.state == "ended"
    assert record.ended is not None
    assert record.ended >= record.began
    again = with_frame(record, ended("south", 0))
    assert again is record
    assert interrupted(record) is record


def test_a_live_runs_period_grows_and_a_replays_does_not() -> None:
    frames = [north(2, 3), ended("north", 5), ended("south", 7)]
    live, replayed = (counted(s.record("r"), frames) for s in (LIVE, REPLAY))
    assert (live.start, live.end) == (at(2), at(7))
    assert (replayed.start, replayed.end) == (at(0), at(9))


def test_a_run_that_goes_on_after_an_interruption_is_running_again() -> None:
    stopped = interrupted(counted(LIVE.record("r"), [north(0, 3)]))
    assert stopped.state == "interrupted"
    assert with_frame(stopped, north(0, 3)) is stopped
    assert with_frame(stopped, north(3, 1)).state == "running"


def test_merging_keeps_the_newer_description_and_the_most_that_was_sent() -> None:
    old = counted(LIVE.record("r"), [north(0, 5), ended("south", 0)])
    new = counted(REPLAY.record("r"), [north(0, 2), ended("north", 9)])
    both = merged(new, old)
    assert (both.source, both.kind, both.began) == ("load.csv", "replay", old.began)
    assert both.sent == {"north": ZoneSent(5, 9, True), "south": ZoneSent(0, 0, True)}
    assert both.state == "ended"
    assert merged(new, replace(old, sent={"west": ZoneSent(1, 1)})).sent == new.sent


def test_merging_twice_changes_nothing_more() -> None:
    one = counted(LIVE.record("r"), [north(0, 5)])
    other = counted(replace(LIVE.record("r"), source="another"), [ended("south", 3)])
    both = merged(one, other)
    assert merged(one, both) == merged(both, one) == merged(both, both) == both


async def test_a_record_is_written_before_the_first_frame_and_when_the_run_has_ended() -> None:
    written = Written()
    ledger = written.ledger
    await ledger.open(["r", "r"], REPLAY.record)
    await ledger.open(["r"], REPLAY.record)
    (begun,) = written.records
    assert (begun.state, begun.sent) == ("running", {})
    ledger.count([north(0, 2), ended("north", 2)])
    assert not ledger.due
    ledger.count([ended("south", 0)])
    assert ledger.due
    await ledger.write_changed()
    assert [r.state for r in written.records] == ["running", "ended"]
    assert not ledger.due
    await ledger.close()
    assert len(written.records) == 2


async def test_closing_says_that_a_run_was_interrupted_and_how_far_it_came() -> None:
    written = Written()
    await written.ledger.open(["r"], LIVE.record)
    written.ledger.count([north(0, 2)])
    await written.ledger.close()
    last = written.records[-1]
    assert (last.state, last.ended) == ("interrupted", None)
    assert last.sent == {"north": ZoneSent(2, 1)}


async def test_workers_that_take_the_same_run_agree_on_what_was_sent() -> None:
    log: list[RunRecord] = []

    async def write(record: RunRecord) -> None:
        log.append(record)

    ledgers = [Ledger(write), Ledger(write)]
    for ledger in ledgers:
        await ledger.open(["r"], LIVE.record)
    ledgers[0].count([north(0, 4), ended("north", 4)])
    ledgers[1].count([ended("south", 2)])
    seen = 0
    for _ in range(5):
        for ledger in ledgers:
            await ledger.write_changed()
        for record in log[seen:]:
            for ledger in ledgers:
                ledger.learn(record)
        seen, before = len(log), seen
    assert seen == before  # nothing more is written
    assert log[-1].state == "ended"
    assert log[-1].sent == {"north": ZoneSent(4, 4, True), "south": ZoneSent(0, 2, True)}


async def test_a_worker_forgets_old_runs_but_none_that_is_not_written() -> None:
    written = Written()
    ledger = Ledger(written.write, kept=2)
    await ledger.open(["a"], LIVE.record)
    ledger.count([north(0, 1, run="a")])
    await ledger.open(["b", "c", "d"], LIVE.record)
    await ledger.write_changed()
    assert [r.run for r in written.records] == ["a", "b", "c", "d", "a"]
    await ledger.open(["a", "d"], LIVE.record)
    assert len(written.records) == 5
    await ledger.open(["b"], LIVE.record)
    assert written.records[-1].run == "b"


async def test_a_posted_run_goes_on_with_its_record_and_a_new_one_says_whose_it_is() -> None:
    known = {"old": interrupted(counted(LIVE.record("old"), [north(0, 1)]))}
    known["replayed"] = REPLAY.record("replayed")
    topic = Topic()
    posted = PostedRuns(topic, load_settings(), GRID, known)
    assert posted.describe("old", "x", False) is known["old"]
    with pytest.raises(UsageError, match="run 'replayed' is a replay already"):
        posted.describe("replayed", "x", False)
    new = posted.describe("new", "meters", False)
    assert (new.kind, new.source, new.synthetic, new.state) == ("live", "meters", False, "running")
    await posted.write(new)
    (sent,) = topic.sent
    assert decode_run_record(sent["key"], sent["value"]) == ("new", new)
    zones = {f"{i:0120}": ZoneSent() for i in range(15_000)}
    await posted.write(replace(new, sent=zones))
    assert len(topic.sent) == 1  # a record that the topic does not take is left out


RUBBISH = [
    (None, None),
    (None, b"{}"),
    (b"", b"x"),
    (b"\xff", b"{}"),
    (b"r", b""),
    (b"r", b"\xff\xfe"),
    (b"r", b"[" * 100_000),
    (b"r", b'{"run": "r"}'),
    (b"other", encode(LIVE.record("r"))),
    (b"r", encode(LIVE.record("r")).replace(b'"schema":1', b'"schema":2')),
    (b"r", encode(LIVE.record("r")).replace(b'"state":"running"', b'"state":"ended"')),
    (b"r", encode(LIVE.record("r")).replace(b'"synthetic":null', b'"synthetic":"no"')),
    (b"r", encode(LIVE.record("r")).replace(b'"source":"a', b'"source":"' + b"a" * 1_500_000)),
]


@pytest.mark.parametrize(("key", "value"), RUBBISH)
def test_what_is_not_a_record_is_an_error_of_messages(
    key: bytes | None, value: bytes | None
) -> None:
    with pytest.raises(MessageError):
        decode_run_record(key, value)


@pytest.mark.integration
async def test_the_newest_record_of_each_run_is_read_among_rubbish() -> None:
    first = LIVE.record("r")
    newest = counted(first, [north(0, 3)])
    with embedded_broker() as running:
        settings = load_settings(broker=f"kafka://{running.bootstrap}")
        assert await read_records(settings.kafka) == {}  # no such topic
        await ensure_topics(settings)
        producer = AIOKafkaProducer(bootstrap_servers=running.bootstrap, max_request_size=2 << 20)
        await producer.start()
        good = [(b"r", encode(first)), (b"gone", encode(LIVE.record("gone"))), (b"gone", None)]
        rubbish = [piece for piece in RUBBISH if piece != (None, None)]  # no client sends that
        for key, value in [*good, *rubbish, (b"r", encode(newest)), *rubbish]:
            await producer.send_and_wait(RUNS, value, key=key)
        await producer.stop()
        assert await read_records(settings.kafka) == {"r": newest}


@pytest.mark.integration
async def test_senders_write_the_record_first_and_go_on_with_what_was_sent() -> None:
    with embedded_broker() as running:
        settings = load_settings(broker=f"kafka://{running.bootstrap}")

        def sink() -> RecordedSink:
            return RecordedSink(settings, GRID.zones, LIVE.record)

        async def fail_before_the_first_frame() -> None:
            async with sink() as broken:
                await broken.begin("r")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_before_the_first_frame()
        begun = (await read_records(settings.kafka))["r"]
        assert (begun.state, begun.ended, begun.sent) == ("running", None, {})
        assert await read_topic(settings.kafka, MEASUREMENTS) == []

        async with sink() as first:
            await first.send((north(0, 3),))
        assert (await read_records(settings.kafka))["r"].state == "interrupted"
        async with sink() as second:
            await second.send((north(2, 3),))
            await second.send((ended("north", 5), ended("south", 0)))
            # Written as soon as the run has ended, though the feed goes on.
            done = (await read_records(settings.kafka))["r"]
        assert done.began == begun.began
        assert done.state == "ended"
        assert done.sent == {"north": ZoneSent(5, 5, True), "south": ZoneSent(0, 0, True)}
        frames = await read_topic(settings.kafka, MEASUREMENTS)
        records = await read_topic(settings.kafka, RUNS)
        assert records[0].timestamp <= min(frame.timestamp for frame in frames)
        assert len({record.partition for record in records}) == 1


def test_a_run_is_gone_on_with_by_its_own_kind_of_sender_and_a_replay_in_its_own_grid() -> None:
    other = Grid("other", tuple(with_changes(node, rating_mw=90.0) for node in GRID.nodes), ())
    live, replayed = LIVE.record("r"), REPLAY.record("r")
    live_elsewhere, replayed_elsewhere = (
        with_changes(sender, grid=other).record("r") for sender in (LIVE, REPLAY)
    )
    check_known(live, replace(live_elsewhere, source="another"))
    check_known(replayed, replace(replayed, source="another.csv", end=at(12)))
    with pytest.raises(UsageError, match="run 'r' is a replay already"):
        check_known(live, replayed)
    with pytest.raises(UsageError, match="run 'r' is live already"):
        check_known(replayed, live)
    with pytest.raises(UsageError, match=r"is a replay in another grid \(other\) already"):
        check_known(replayed, replayed_elsewhere)


@pytest.mark.integration
async def test_a_record_that_came_after_the_sender_had_connected_counts() -> None:
    with embedded_broker() as running:
        settings = load_settings(broker=f"kafka://{running.bootstrap}")
        async with (
            RecordedSink(settings, GRID.zones, LIVE.record) as feed,
            RecordedSink(settings, GRID.zones, REPLAY.record) as replayed,
        ):
            await replayed.begin("r")
            with pytest.raises(UsageError, match="is a replay already"):
                await feed.send((north(0, 3),))


@pytest.mark.integration
async def test_a_sink_without_records_writes_none() -> None:
    with embedded_broker() as running:
        settings = load_settings(broker=f"kafka://{running.bootstrap}")
        async with KafkaSink(settings, GRID.zones) as sink:
            await sink.send((north(0, 1),))
            await sink.flush()
        assert await read_records(settings.kafka) == {}


def test_a_record_says_where_the_data_come_from() -> None:
    record = REPLAY.record("r", {"north": ZoneSent(3, 2)})
    assert (record.source, record.synthetic, record.credit) == ("load.csv", True, "X")
    assert (record.models, record.zones) == (["linear", "centrality"], ["north", "south"])
    assert record.sent == {"north": ZoneSent(3, 2)}
    other = with_changes(REPLAY, settings=load_settings(decay=0.5)).record("r")
    assert other.grid_fingerprint == record.grid_fingerprint
    assert other.settings_fingerprint != record.settings_fingerprint
