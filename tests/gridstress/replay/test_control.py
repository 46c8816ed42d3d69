"""What a replay makes of its commands; without a broker."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from gridstress.datasets.synthetic import synthetic_year
from gridstress.replay.control import Control
from gridstress.replay.pace import MAX_SPEED, Speed
from gridstress.replay.schedule import Schedule
from gridstress.replay.session import Session
from gridstress.run_records.record import Origin
from gridstress.settings import Settings
from tests.gridstress.replay.test_replayer import GRID
from topology.codec import decode, encode
from topology.errors import MessageError
from topology.replay_messages import MAX_ANSWERS, ReplayCommand, ReplayStatus


class Played:
    """A control whose statuses are kept instead of sent."""

    def __init__(self) -> None:
        year = synthetic_year()
        series = year.between(None, year.start + pd.Timedelta(days=2))
        first = Schedule(series, GRID, "first")
        self.session = Session(
            first, Origin("replay", "test", synthetic=True), Settings(), GRID, "test"
        )
        self.said: list[ReplayStatus | None] = []
        self.control = Control(
            Settings(),
            self.publish,
            self.session._extent,
            self.session._new_run,
            Speed(MAX_SPEED),
        )

    async def publish(self, name: str, status: ReplayStatus | None) -> None:
        self.said.append(status)

    async def take(self, command: Any, number: int = 0, **fields: Any) -> str:
        """Give a command, and the refusal that it gets."""
        await self.control._take(self.command(command, number, **fields))
        return self.control._answers[-1].refused

    def command(self, command: Any, number: int = 0, **fields: Any) -> ReplayCommand:
        return ReplayCommand(
            id=f"{command}-{number}",
            replay=self.control.name,
            command=command,
            by="test",
            at=datetime.now(UTC),
            **fields,
        )


@pytest.fixture
async def played() -> Played:
    return Played()


async def test_a_stop_that_comes_before_a_run_has_begun_stops_it(played: Played) -> None:
    played.control.stop()
    assert (await played.control.begin("first")).stopped
    assert await played.control.next(stay=True) is None


async def test_a_start_that_comes_before_a_run_has_begun_begins_another_one(
    played: Played,
) -> None:
    assert await played.take("start") == ""
    assert (await played.control.begin("first")).stopped
    run = await played.control.next(stay=True)
    assert run is not None
    assert run.run.startswith("test-")


async def test_what_cannot_be_started_is_refused_and_the_run_goes_on(played: Played) -> None:
    pace = await played.control.begin("first")
    end = datetime(2025, 1, 2, 22, 0, 1, tzinfo=UTC)
    assert "no data" in await played.take("start", 1, begin=end)
    assert "no data" in await played.take("start", 2, begin=datetime(2300, 1, 1, tzinfo=UTC))
    assert "speed 'x'" in await played.take("start", 3, speed="x")
    assert not pace.stopped


@pytest.mark.parametrize("begin", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_time_that_nothing_can_have_is_no_command(played: Played, begin: str) -> None:
    raw = encode(played.command("start")).replace(b'"begin":null', b'"begin":"%b"' % begin.encode())
    with pytest.raises(MessageError):
        decode(raw, ReplayCommand)


async def test_a_command_that_is_read_again_is_not_followed_again(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = await played.control.begin("first")
    saying = asyncio.create_task(played.control._say_often())
    await played.take("step")
    for number in range(3 * MAX_ANSWERS):
        await played.take("pause", number)
    await played.control._take(played.command("step"))
    while played.control._unsaid:
        played.control._said.clear()
        await played.control._said.wait()
    saying.cancel()
    assert pace._step_s == 3600
    answered = {answer.command for one in played.said if one for answer in one.answers}
    assert answered == {"step-0", *(f"pause-{number}" for number in range(3 * MAX_ANSWERS))}


async def test_a_command_to_another_replay_is_none(played: Played) -> None:
    await played.control._take(
        ReplayCommand(id="1", replay="other", command="stop", by="x", at=datetime.now(UTC))
    )
    assert not played.control._answers


async def test_without_a_run_there_is_nothing_to_pause(played: Played) -> None:
    assert await played.take("pause") == "no run is being sent: start one"
