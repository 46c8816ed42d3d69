"""Any order, duplication, split or crash gives the same windows, alarms and dead letters.

The whole chain is real, detection to risk, over two shards; the verifier, which shares nothing with
it, gives its own verdict on the same frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.detection import Detection
from agents.kept_runs import KeptRuns
from agents.propagation import Propagation
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from gridstress.settings import Settings
from gridstress.verify.compare import Observed, compare
from gridstress.verify.compare_dead_letters import RowsDeadLetter
from gridstress.verify.recompute import recompute
from tables.risk_table import RiskTable, StateError
from tables.windows import WindowSpec
from tests.support.frames import at, ended
from tests.support.memory import Event, Message, Table, Topic
from topology.codec import decode
from topology.codec import encode as encoded
from topology.grid import Grid, Line, Node
from topology.messages import MeasurementFrame, PropagatedFrame, RiskAlert, RiskWindow
from topology.models import MODELS, InfluenceParams

SHARDS, HOURS = 2, 9
MODEL = "linear"
GRID = Grid(
    "square",
    nodes=tuple(
        Node(i, i, 50.0, 9.0, zone, 0.5, 100.0, 0.8)
        for i, zone in (("a", "north"), ("b", "north"), ("c", "south"), ("d", "south"))
    ),
    lines=tuple(Line(*pair, 10.0, 380.0, 0.7) for pair in ("ab", "bc", "cd")),
    zone_shares={"north": 0.5, "south": 0.5},
)
NODES = {"north": ["a", "b"], "south": ["c", "d"]}
SETTINGS = Settings(_env_file=None, partitions=SHARDS, size_s=3 * 3600, max_ahead_s=86_400)  # type: ignore[call-arg]
INFLUENCE = MODELS[MODEL].build(GRID, InfluenceParams())


@dataclass
class Run:
    """Two shards of a model, each with its table, fed with propagated frames."""

    stores: list[Table] = field(default_factory=lambda: [Table(), Table()])
    windows: Topic = field(default_factory=Topic)
    alerts: Topic = field(default_factory=Topic)
    dead_letters: DeadLetters = field(default_factory=lambda: DeadLetters(Topic()))

    def __post_init__(self) -> None:
        spec = WindowSpec(
            SETTINGS.step_s, SETTINGS.size_s, SETTINGS.lateness_s, SETTINGS.max_ahead_s
        )
        self.model = RiskModel(MODEL, GRID, INFLUENCE, SHARDS, spec, Thresholds())
        self.restart()

    def restart(self) -> None:
        """Forget everything but the tables, as a worker that was killed does."""
        tables = [RiskTable(store, 4) for store in self.stores]
        self.stages = [
            RiskStage(self.model, table, self.windows, self.alerts, self.dead_letters,
                      StageCounters(), 0, KeptRuns(self.model, table))
            for table in tables
        ]  # fmt: skip

    async def feed(self, *frames: PropagatedFrame) -> None:
        """Give a shard frames that lie ready together."""
        topic, shard = f"propagated_stress_{MODEL}", frames[0].shard
        events = [Event(Message(topic, shard, 0, b"", encoded(frame))) for frame in frames]
        before = self.watermark_s(shard)
        assert await self.stages[shard](events) == len(frames)
        after = self.watermark_s(shard)
        assert before is None or (after is not None and after >= before)

    def watermark_s(self, shard: int) -> float | None:
        """How far time has come in a shard."""
        state = self.stages[shard].table.state("r", shard)
        return None if state is None else state.watermark_s(GRID.zones, self.model.spec)

    def published(self) -> tuple[Any, ...]:
        """All that was sent, each message once, in an order of its own."""
        dead_letters = self.dead_letters.topic.sent  # type: ignore[attr-defined]
        rows = {
            (h["reason"], decode(x["value"], PropagatedFrame).shard, x["value"] and _zone(x), row)
            for x in dead_letters
            for h in (x["headers"],)
            for row in h["rows"].split(b",")
        }
        return (
            sorted({x["value"] for x in self.windows.sent}),
            sorted({x["value"] for x in self.alerts.sent}),
            sorted(rows),
        )

    def observed(self) -> Observed:
        """What the verifier reads."""
        found = Observed()
        found.windows[MODEL] = [decode(x["value"], RiskWindow) for x in self.windows.sent]
        found.alerts[MODEL] = [decode(x["value"], RiskAlert) for x in self.alerts.sent]
        for x in self.dead_letters.topic.sent:  # type: ignore[attr-defined]
            frame = decode(x["value"], PropagatedFrame)
            rows = tuple(map(int, x["headers"]["rows"].split(b",")))
            reason = x["headers"]["reason"].decode()
            found.skipped_rows.append(RowsDeadLetter(MODEL, frame.shard, frame.zone, reason, rows))
        return found


def _zone(dead_letter: dict[str, Any]) -> str:
    return decode(dead_letter["value"], PropagatedFrame).zone


def propagated(frame: MeasurementFrame) -> Iterator[PropagatedFrame]:
    """What the first two stages make of a frame."""
    spread = Propagation(GRID, INFLUENCE, SHARDS)
    for stressed in Detection(GRID, SETTINGS.stress_threshold)(frame):
        yield from spread(stressed)


begins = st.sampled_from([0, 0, 0, 0, 3, -12, -24, -28, -30, -200, 36, 400])
"""A zone's first row is believed, so zones may be further apart than a row may jump (24 h)."""
ends = st.sampled_from([HOURS, HOURS, HOURS, HOURS - 4, HOURS - 0.5, HOURS + 7, 500_000])
jumps = st.sampled_from([0, 0, 0, 0, -1.5, 1, 700, 500_000])
loads = st.sampled_from([10.0, 88.0, 93.7, 101.1, 130.3])


def second_ends(zone: str, seq: int) -> st.SearchStrategy[list[MeasurementFrame]]:
    """Mostly none, or one more end of the zone: earlier or later than the first."""
    again = st.builds(lambda hour: [ended(zone, hour, seq=seq)], ends)
    return st.one_of(st.just([]), st.just([]), again)


@st.composite
def rows_of(draw: st.DrawFn, zone: str) -> list[MeasurementFrame]:
    """A zone's rows, a frame each: hours that may be late or years ahead, numbers with gaps."""
    frames, seq = [], 0
    begin = draw(begins)
    for hour in range(HOURS):
        time = begin + hour + (draw(jumps) if hour else 0)
        values = [[draw(loads), draw(loads)]]
        frames.append(
            MeasurementFrame(
                run="r", zone=zone, seq=seq, timestamps=[at(time)], nodes=NODES[zone],
                load_mw=values,
            )
        )  # fmt: skip
        seq += draw(st.sampled_from([1, 1, 1, 3]))
    end = ended(zone, begin + draw(ends), seq=seq)
    behind = draw(st.integers(0, 2))  # rows that come after the end
    late = [
        msgspec.structs.replace(frame, seq=seq + 1 + i)
        for i, frame in enumerate(frames[HOURS - behind :])
    ]
    return [*frames, end, *late, *draw(second_ends(zone, seq + 1 + behind))]


def merged(frames: list[MeasurementFrame]) -> MeasurementFrame:
    """One frame of several with consecutive numbers."""
    return msgspec.structs.replace(
        frames[0],
        timestamps=[moment for frame in frames for moment in frame.timestamps],
        load_mw=[row for frame in frames for row in frame.load_mw],
    )


@st.composite
def delivered(draw: st.DrawFn, rows: list[MeasurementFrame]) -> list[MeasurementFrame]:
    """A zone's rows cut into frames anyhow, some of them again, with other cuts."""
    found: list[MeasurementFrame] = []
    start = 0
    while start < len(rows):
        stop = start + 1
        while (
            stop < len(rows)
            and rows[stop].seq == rows[stop - 1].seq + 1
            and not (rows[stop].final or rows[stop - 1].final)
            and draw(st.booleans())
        ):
            stop += 1
        found.append(merged(rows[start:stop]))
        if draw(st.integers(0, 3)) == 0:
            back = draw(st.integers(0, start))
            found += rows[back:stop]
        start = stop
    return found


def mixed(draw: st.DrawFn, queues: list[list[Any]]) -> list[Any]:
    """The queues' items in one order that keeps each queue's own."""
    queues = [list(queue) for queue in queues]
    found = []
    while any(queues):
        found.append(draw(st.sampled_from([q for q in queues if q])).pop(0))
    return found


def batched(draw: st.DrawFn, parts: list[PropagatedFrame]) -> list[list[PropagatedFrame]]:
    """Neighbours of the same shard put together anyhow, as they may lie ready for a stage."""
    batches: list[list[PropagatedFrame]] = []
    for part in parts:
        if batches and batches[-1][0].shard == part.shard and draw(st.booleans()):
            batches[-1].append(part)
        else:
            batches.append([part])
    return batches


def in_turn(rows: Sequence[list[MeasurementFrame]]) -> list[MeasurementFrame]:
    """The zones' rows, one of each in turn."""
    return [row for row in chain(*zip_longest(*rows)) if row is not None]


@dataclass(frozen=True)
class Delivery:
    """The rows of each zone, the same as frames cut anyhow, and as batches of all shards."""

    rows: list[list[MeasurementFrame]]
    cut: list[list[MeasurementFrame]]
    batches: list[list[PropagatedFrame]]

    @classmethod
    def plain(cls, *rows: list[MeasurementFrame]) -> "Delivery":
        """Every row once, the zones in turn, each alone."""
        batches = [[part] for frame in in_turn(rows) for part in propagated(frame)]
        return cls(list(rows), list(rows), batches)


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Two zones' rows in any order of the zones, with any duplication and any cuts."""
    rows = [draw(rows_of(zone)) for zone in NODES]
    cut = [draw(delivered(of_zone)) for of_zone in rows]
    queues = [
        [part for frame in of_zone for part in propagated(frame) if part.shard == shard]
        for of_zone in cut
        for shard in range(SHARDS)
    ]
    return Delivery(rows, cut, batched(draw, mixed(draw, queues)))


def hours(zone: str, times: Sequence[float], end: float) -> list[MeasurementFrame]:
    """A zone's rows at these hours without stress, and its end."""
    frames = [
        MeasurementFrame(
            run="r", zone=zone, seq=seq, timestamps=[at(time)], nodes=NODES[zone],
            load_mw=[[10.0, 10.0]],
        )
        for seq, time in enumerate(times)
    ]  # fmt: skip
    return [*frames, ended(zone, end, seq=len(times))]


LAST_ROWS_AHEAD = [hours(zone, [*range(6), 700, 700, 700], HOURS) for zone in NODES]
ENDS_BEFORE_ITS_ROWS = [hours("north", range(HOURS), 2), hours("south", range(HOURS), 2)]
A_CLOCK_OF_LONG_AGO = [hours("north", [-400_000, 0, 1, 2], 3), hours("south", range(9), 9)]
ROWS_AFTER_THE_END = [
    [*hours("north", range(4), 4), *hours("north", range(9), 9)[5:]],
    hours("south", range(9), 9),
]


@given(deliveries())
@example(Delivery.plain(*LAST_ROWS_AHEAD))
@example(Delivery.plain(*ENDS_BEFORE_ITS_ROWS))
@example(Delivery.plain(*ROWS_AFTER_THE_END))
@example(Delivery.plain(*A_CLOCK_OF_LONG_AGO))
async def test_any_order_duplication_and_split_says_the_same_and_the_verifier_agrees(
    delivery: Delivery,
) -> None:
    plain, other = Run(), Run()
    for part in (part for frame in in_turn(delivery.rows) for part in propagated(frame)):
        await plain.feed(part)
    for batch in delivery.batches:
        await other.feed(*batch)
    assert other.published() == plain.published()
    for shard in range(SHARDS):
        assert other.watermark_s(shard) == plain.watermark_s(shard)
    expected = recompute([frame for of_zone in delivery.cut for frame in of_zone], GRID, SETTINGS)
    assert expected.watermark_s == plain.watermark_s(0)
    outcome = compare(expected, other.observed())[MODEL]
    assert outcome.ok, outcome.problems


@given(st.data())
async def test_a_crash_between_any_two_writes_and_a_repetition_says_the_same(
    data: st.DataObject,
) -> None:
    rows = [data.draw(rows_of(zone)) for zone in NODES]
    parts = [part for frame in in_turn(rows) for part in propagated(frame)]
    plain, crashing = Run(), Run()
    for part in parts:
        await plain.feed(part)
    committed = 0
    for number, part in enumerate(parts):
        if data.draw(st.integers(0, 4)) == 0:
            crashing.stores[part.shard].left = data.draw(st.integers(0, 4))
        try:
            await crashing.feed(part)
        except StateError:
            for store in crashing.stores:
                store.left = float("inf")
            crashing.restart()
            # The broker gives everything again that was not committed.
            for again in parts[committed : number + 1]:
                await crashing.feed(again)
        if data.draw(st.booleans()):
            committed = number + 1
        crashing.stores[part.shard].left = float("inf")
    assert crashing.published() == plain.published()
    assert [store.shards for store in crashing.stores] == [store.shards for store in plain.stores]


def two_zones(hours: int) -> list[PropagatedFrame]:
    """What comes of some hours of growing load, rows of the zones in turn, to their end."""
    frames = [
        MeasurementFrame(
            run="r", zone=zone, seq=hour, timestamps=[at(hour)], nodes=nodes,
            load_mw=[[101.0 + hour, 93.7]],
        )
        for hour in range(hours)
        for zone, nodes in NODES.items()
    ]  # fmt: skip
    frames += [ended(zone, hours) for zone in NODES]
    return [part for frame in frames for part in propagated(frame)]


async def test_a_crash_before_every_single_write_of_a_batch_is_made_good() -> None:
    """A batch writes only the panes that its own end leaves open."""
    parts = [part for part in two_zones(9) if part.shard == 0]
    plain = Run()
    for part in parts:
        await plain.feed(part)
    crashes = 0
    for size in (3, 8, len(parts)):
        for first in range(0, len(parts), size):
            for writes in range(12):
                crashing = Run()
                for at_part in range(0, first, size):
                    await crashing.feed(*parts[at_part : at_part + size])
                crashing.stores[0].left = writes
                try:
                    await crashing.feed(*parts[first : first + size])
                except StateError:
                    crashes += 1
                crashing.stores[0].left = float("inf")
                crashing.restart()
                # What comes again does not come in the same batches.
                again = parts[max(0, first - 2) :]
                for at_part in range(0, len(again), 5):
                    await crashing.feed(*again[at_part : at_part + 5])
                assert crashing.published() == plain.published(), (size, first, writes)
    assert crashes > len(parts)


async def test_a_crash_before_every_single_write_is_made_good() -> None:
    parts = two_zones(5)
    plain = Run()
    for part in parts:
        await plain.feed(part)
    crashes = 0
    for number, part in enumerate(parts):
        for writes in range(4):
            crashing = Run()
            for before in parts[:number]:
                await crashing.feed(before)
            crashing.stores[part.shard].left = writes
            try:
                await crashing.feed(part)
            except StateError:
                crashes += 1
            crashing.stores[part.shard].left = float("inf")
            crashing.restart()
            for again in parts[max(0, number - 3) :]:
                await crashing.feed(again)
            assert crashing.published() == plain.published(), (number, writes)
            assert [s.shards for s in crashing.stores] == [s.shards for s in plain.stores]
    assert crashes > len(parts)
