"""What an agent does around a stage: acks, dead letters, and the end of the worker."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.detection import Detection, DetectionStage
from agents.kept_runs import KeptRuns
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from agents.running import run_stage
from tables.risk_table import RiskTable, StateError
from tables.windows import WindowSpec
from tests.support.frames import at, hour_s, measured, spread
from tests.support.memory import Event, Halted, Message, Stream, Table, Topic, halt
from topology.codec import decode, encode
from topology.errors import MessageError
from topology.grid import Grid
from topology.messages import SENT_MS, RiskWindow


@pytest.fixture
def dead_letters() -> DeadLetters:
    return DeadLetters(Topic())


def risk_stage(
    triangle: Grid,
    dead_letters: DeadLetters,
    store: Table | None = None,
    max_ahead_s: int = 0,
    max_ended: int = 8,
    max_forgotten: int = 1000,
) -> RiskStage:
    spec = WindowSpec(max_ahead_s=max_ahead_s)
    model = RiskModel("linear", triangle, csr_array(np.eye(3)), 1, spec, Thresholds())
    table = RiskTable(store or Table(), grid_size=3)
    keeps = KeptRuns(model, table, max_ended=max_ended, max_forgotten=max_forgotten)
    return RiskStage(model, table, Topic(), Topic(), dead_letters, StageCounters(), 0, keeps)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(MessageError("invalid", "no good"), "invalid"), (ZeroDivisionError("ours"), "failed")],
)
async def test_a_record_that_fails_becomes_a_dead_letter_is_acked_and_the_next_goes_on(
    dead_letters: DeadLetters, error: Exception, reason: str
) -> None:
    events = [Event(Message(offset=n)) for n in range(2)]

    async def handle(events: Sequence[Event]) -> int:
        if any(event.message.offset == 0 for event in events):
            raise error
        return len(events)

    finished: dict[tuple[str, str, int], int] = {}
    await run_stage(Stream(events), "stage", handle, dead_letters, halt, finished)
    assert [event.acked for event in events] == [True, True]
    assert finished == {("stage", "t", 0): 2}
    (dead_letter,) = dead_letters.topic.sent  # type: ignore[attr-defined]
    assert (dead_letter["value"], dead_letter["headers"]["reason"]) == (b"v", reason.encode())
    assert dead_letter["headers"]["stage"] == b"stage"


async def test_a_state_that_cannot_be_written_ends_the_worker_without_an_ack(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    event = Event(Message(value=encode(spread("north", [0], {"a": [1.0]}))))
    stage = risk_stage(triangle, dead_letters, Table(left=0))
    with pytest.raises(Halted, match="no space left"):
        await run_stage(Stream([event]), "risk", stage, dead_letters, halt, {})
    assert not event.acked
    assert dead_letters.topic.sent == []  # type: ignore[attr-defined]


async def test_a_state_of_another_topology_ends_the_worker_and_refuses_nothing(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    store = Table()
    record = Message(value=encode(spread("north", [0], {"a": [1.0]})))
    await risk_stage(triangle, dead_letters, store)([Event(record)])
    smaller = Grid("small", nodes=triangle.nodes[1:], lines=triangle.lines[1:])
    event = Event(Message(value=encode(spread("north", [1], {"b": [1.0]}))))
    stage = risk_stage(smaller, dead_letters, store)
    with pytest.raises(Halted, match=r"3 nodes in shard 0, not 2.*GRIDSTRESS_GROUP"):
        await run_stage(Stream([event]), "risk", stage, dead_letters, halt, {})
    assert not event.acked


async def test_a_run_that_other_settings_have_ended_is_refused_whatever_its_state_holds(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    store = Table()
    await risk_stage(triangle, dead_letters, store)(
        [Event(Message(value=encode(spread("north", [0], {"a": [1.0]}))))]
    )
    before = {key: store.stored(0, key) for key in store.stored_keys(0)}
    smaller = Grid("small", nodes=triangle.nodes[1:], lines=triangle.lines[1:])
    stage = risk_stage(smaller, dead_letters, store)
    stage.keeps = replace(stage.keeps, ended_runs={"r"})
    event = Event(Message(value=encode(spread("north", [1], {"b": [1.0]}))))
    await run_stage(Stream([event]), "risk", stage, dead_letters, halt, {})
    (dead_letter,) = dead_letters.topic.sent  # type: ignore[attr-defined]
    assert dead_letter["headers"]["reason"] == b"other-settings"
    assert event.acked
    assert {key: store.stored(0, key) for key in store.stored_keys(0)} == before


async def begin(stage: RiskStage, run: str, started: float) -> None:
    value = encode(spread("north", [0], {"a": [1.0]}, run=run))
    await stage([Event(Message(value=value, timestamp=started))])


async def end(stage: RiskStage, run: str) -> None:
    for zone in ("north", "south"):
        value = encode(spread(zone, [1], {}, run=run, seq=1, final=True))
        await stage([Event(Message(value=value, timestamp=99.0))])


async def test_a_shard_forgets_the_ended_runs_that_started_longest_ago(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    stage = risk_stage(triangle, dead_letters, max_ended=2)
    for number in range(4):
        await begin(stage, f"run-{number}", number)
        await end(stage, f"run-{number}")
    assert sorted(stage.table.index(0).runs) == ["run-2", "run-3"]


async def test_a_run_that_goes_on_is_not_forgotten_for_newer_ones(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    """Behind a backlog the zones' frames may be several runs apart."""
    stage = risk_stage(triangle, dead_letters, max_ended=2)
    for number in range(6):
        await begin(stage, f"run-{number}", number)
    for number in (1, 2, 3):
        await end(stage, f"run-{number}")
    await begin(stage, "run-6", 6)
    assert sorted(stage.table.index(0).runs) == ["run-0", "run-3", "run-4", "run-5", "run-6"]


async def test_runs_that_never_end_do_not_pile_up(
    triangle: Grid, dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.kept_runs.MAX_GOING_ON", 3)
    stage = risk_stage(triangle, dead_letters)
    for number in range(5):
        await begin(stage, f"run-{number}", number)
    assert sorted(stage.table.index(0).runs) == ["run-2", "run-3", "run-4"]


async def test_a_zone_whose_clock_stays_wrong_is_given_up_like_a_silent_one(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    """Its first row came from a clock that had lost its time, and was believed."""
    stage = risk_stage(triangle, dead_letters, max_ahead_s=86_400)
    stage.idle.timeout_s = 0.02
    await stage([Event(Message(value=encode(spread("south", [-9e3], {}, seq=0))))])
    for hour in range(200):
        for zone in ("north", "south"):
            await stage([Event(Message(value=encode(spread(zone, [hour], {}, seq=hour + 1))))])
        if stage.idle.of(0, "r"):
            break
        await asyncio.sleep(0.002)  # a tenth of the time-out, the most that a gap counts
    assert stage.idle.of(0, "r") == {"south"}
    assert set(dead_letters.counts) == {"ahead"}
    state = stage.table.state("r", 0)
    assert state is not None
    assert state.ahead_rows == dead_letters.counts["ahead"]


async def test_late_rows_and_rows_ahead_of_a_frame_are_skipped_with_their_numbers(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    stage = risk_stage(triangle, dead_letters, max_ahead_s=86_400)
    await stage([Event(Message(value=encode(spread("north", [5, 1, 999, 6, 0], {}, seq=3))))])
    reported = [dead_letter["headers"] for dead_letter in dead_letters.topic.sent]  # type: ignore[attr-defined]
    assert [(h["reason"], h["rows"]) for h in reported] == [(b"late", b"4,7"), (b"ahead", b"5")]
    assert dead_letters.counts == {"late": 1, "ahead": 1}
    assert stage.counters.skipped_rows == {("linear", "late"): 2, ("linear", "ahead"): 1}
    assert stage.counters.missing == {"linear": 0}, "before the first number nothing is missing"
    await stage([Event(Message(value=encode(spread("north", [7], {}, seq=10))))])
    assert stage.counters.missing == {"linear": 2}


async def test_a_frame_in_the_wrong_partition_is_refused(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    value = encode(spread("north", [0], {}, shard=0))
    stage = risk_stage(triangle, dead_letters)
    await run_stage(
        Stream([Event(Message(value=value, partition=1))]), "risk", stage, dead_letters, halt, {}
    )
    assert dead_letters.counts == {"unknown-shard": 1}


async def test_windows_close_past_an_idle_zone_which_is_shown(
    triangle: Grid, dead_letters: DeadLetters
) -> None:
    stage = risk_stage(triangle, dead_letters)
    stage.idle.timeout_s = 0.02
    south = spread("south", [0], {})
    await stage([Event(Message(value=encode(south)))])
    for hour in range(200):
        frame = spread("north", [hour], {"a": [1.0]})
        await stage([Event(Message(value=encode(frame)))])
        if stage.idle.of(0, "r"):
            break
        await asyncio.sleep(0.002)  # a tenth of the time-out, the most that a gap counts
    assert stage.idle.of(0, "r") == {"south"}
    assert stage.windows.sent  # type: ignore[attr-defined]
    await stage([Event(Message(value=encode(spread("south", [1], {}, seq=1))))])
    assert dead_letters.counts == {"late": 1}
    assert stage.idle.of(0, "r") == frozenset()


@pytest.mark.parametrize("left", range(4))
async def test_what_closes_without_a_silent_zone_is_the_same_after_a_crash(
    triangle: Grid, dead_letters: DeadLetters, left: int
) -> None:
    """The next owner waits anew: it must not count what the zone says meanwhile."""
    store = Table()
    first, second = (risk_stage(triangle, dead_letters, store) for _ in range(2))
    first.idle_timeout_s = 0.02

    def north(hour: int) -> list[Event]:
        return [Event(Message(value=encode(spread("north", [hour], {"a": [1.0]}))))]

    await first([Event(Message(value=encode(spread("south", [0], {"c": [1.0]}))))])
    for hour in range(200):
        await asyncio.sleep(0.002)
        store.left = left if hour > 20 else float("inf")
        try:
            await first(north(hour))
        except StateError:
            break
    store.left, store.owner = float("inf"), 1
    last = hour + 10
    later = range(1, last)
    frame = spread("south", list(later), {"c": [1.0] * len(later)}, seq=1)
    await second([Event(Message(value=encode(frame)))])
    for again in range(hour, last):
        await second(north(again))
    values: dict[str, set[bytes]] = {}
    for stage in (first, second):
        for sent in stage.windows.sent:  # type: ignore[attr-defined]
            window = decode(sent["value"], RiskWindow)
            values.setdefault(str(window.window_end), set()).add(sent["value"])
    assert len(values) > 20
    assert {len(found) for found in values.values()} == {1}


async def test_a_stress_frame_says_when_its_measurements_were_sent(triangle: Grid) -> None:
    topic = Topic()
    stage = DetectionStage(Detection(triangle, 0.85), topic, StageCounters())
    frame = measured("south", [0], {"c": [95.0]})
    await stage([Event(Message(partition=1, value=encode(frame), timestamp=1234.567))])
    assert [dict(sent["headers"])[SENT_MS] for sent in topic.sent] == [b"1234567"]
    assert [sent["partition"] for sent in topic.sent] == [1]


async def test_many_windows_close_in_steps_and_each_step_is_written(
    triangle: Grid, dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in between goes on where it was, though the frame that comes again is a repeat."""
    monkeypatch.setattr("agents.risk_stage.MAX_WINDOWS", 10)
    store = Table()
    frames = [spread(zone, [0, 95], {"a": [1.0, 0.0]}) for zone in ("north", "south")]
    events = [Event(Message(value=encode(frame))) for frame in frames]
    stage = risk_stage(triangle, dead_letters, store)
    await stage(events[:1])
    store.left = 5
    with pytest.raises(StateError):
        await stage(events[1:])
    store.left, store.owner = float("inf"), 1
    again = risk_stage(triangle, dead_letters, store)
    state = again.table.state("r", 0)
    assert state is not None
    assert state.closed_until_s is not None
    assert hour_s(0) < state.closed_until_s < hour_s(94)
    assert state.passed_s is None
    await again(events)
    ends = {
        decode(x["value"], RiskWindow).window_end for s in (stage, again) for x in s.windows.sent
    }  # type: ignore[attr-defined]
    assert ends == {at(hour) for hour in range(1, 95)}
    state = again.table.state("r", 0)
    assert state is not None
    assert state.passed_s == hour_s(94)
