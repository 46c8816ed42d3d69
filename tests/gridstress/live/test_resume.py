"""Where a live run stands, on a real broker: by the topic, by what was counted, by neither."""

import time
from itertools import count

import msgspec
import pytest

from gridstress.kafka.topics import MEASUREMENTS, VIEW, ensure_topics
from gridstress.live.live_run import LiveRun
from gridstress.live.resume import live_run
from gridstress.settings import load_settings
from tests.integration.harness import send
from tests.support.frames import START, at, measured
from topology.codec import encode
from topology.errors import DataError, UsageError
from topology.grid import Grid

pytestmark = pytest.mark.integration

HOUR_S = 3600
FIRST = int(START.timestamp()) // HOUR_S
RUNS = count()


@pytest.fixture
def run() -> str:
    return f"live-{next(RUNS)}"


@pytest.fixture
async def on(broker: str, triangle: Grid) -> "Bench":
    settings = load_settings(broker=f"kafka://{broker}")
    await ensure_topics(settings)
    return Bench(broker, triangle)


class Bench:
    """A broker and what is put on it."""

    def __init__(self, broker: str, grid: Grid) -> None:
        self.broker, self.grid = broker, grid

    async def sent(self, run: str, hours: list[float], seq: int, period_s: int = HOUR_S) -> None:
        loads = {"a": [1.0] * len(hours), "b": [1.0] * len(hours)}
        frame = measured("north", hours, loads, seq=seq, run=run, period_s=period_s)
        await send(self.broker, MEASUREMENTS, [(0, encode(frame))])

    async def counted(self, run: str, number: int) -> None:
        view = {"run": run, "applied": {"north": number, "unknown": 10**9}}
        await send(self.broker, VIEW, [(0, msgspec.json.encode(view)), (1, b'"' + run.encode())])

    async def live(self, run: str, since_s: float | None = 0.0, step: str = "1h") -> LiveRun:
        settings = load_settings(broker=f"kafka://{self.broker}")
        return await live_run(
            settings, self.grid, run, since_s=since_s, resolution=step, patience_h=6
        )


async def test_a_run_goes_on_behind_the_last_time_whatever_its_numbers_were(
    on: Bench, run: str
) -> None:
    await on.sent(run, [0, 1, 2], seq=0)  # numbered from the run's begin
    going = await on.live(run)
    assert going.next_s("north") == at(3).timestamp()
    assert going.next_s("south") == 0
    (frame,) = going.take("north", {int(at(3).timestamp()): 5.0}, now_s=at(9).timestamp())
    assert frame.seq == FIRST + 3


async def test_what_was_counted_and_has_left_the_topic_is_not_sent_again(
    on: Bench, run: str
) -> None:
    await on.counted(run, FIRST + 10)
    assert (await on.live(run)).next_s("north") == at(11).timestamp()
    await on.sent(run, [11, 12], seq=FIRST + 11)
    assert (await on.live(run)).next_s("north") == at(13).timestamp()


async def test_numbers_from_a_runs_begin_say_nothing_of_time(on: Bench, run: str) -> None:
    await on.counted(run, 719)
    going = await on.live(run, since_s=None)
    assert time.time() - 2 * 86_400 < going.next_s("north") <= time.time() - 86_400
    assert going.next_s("north") // HOUR_S > 719


async def test_a_coarser_resolution_than_was_counted_is_refused(on: Bench, run: str) -> None:
    await on.counted(run, FIRST * 4)  # quarters of an hour
    with pytest.raises(DataError, match=f"counted row {FIRST * 4} of zone north") as caught:
        await on.live(run)
    assert "--resolution" in caught.value.hint
    assert (await on.live(run, step="15min")).next_s("north") == at(0.25).timestamp()


async def test_numbers_that_are_above_those_of_their_times_are_refused(on: Bench, run: str) -> None:
    await on.sent(run, [0], seq=10**9)
    with pytest.raises(DataError, match="has row 1000000000 of zone north"):
        await on.live(run)


async def test_another_resolution_than_the_topic_has_is_refused(on: Bench, run: str) -> None:
    await on.sent(run, [0], seq=FIRST)
    with pytest.raises(DataError, match="a value every 3600 s, not 900 s"):
        await on.live(run, step="15min")


async def test_the_same_since_goes_on_and_a_later_one_leaves_no_rows_out(
    on: Bench, run: str
) -> None:
    await on.sent(run, [0, 1], seq=FIRST)
    assert (await on.live(run, since_s=at(0).timestamp())).next_s("north") == at(2).timestamp()
    with pytest.raises(UsageError, match="would leave out rows"):
        await on.live(run, since_s=at(5).timestamp())
