"""Control of a running replay: it follows commands and publishes its status."""

import asyncio
import logging
import os
import secrets
import socket
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from gridstress.kafka.topic_reader import log_ends, scan_topic
from gridstress.kafka.topics import REPLAY_CONTROL
from gridstress.replay.archived import Run
from gridstress.replay.pace import Pace, Speed, parse_speed
from gridstress.replay.results import Results
from gridstress.settings import Settings
from topology.clock import to_datetime
from topology.codec import decode
from topology.errors import BrokerError, GridstressError, MessageError, UsageError
from topology.replay_messages import MAX_ANSWERS, Answer, ReplayCommand, ReplayStatus

log = logging.getLogger(__name__)

EVERY_S = 2.0
"""A replay says how it is this often, and when it changes."""
RETRY_S = 2.0
CLOSE_S = 5.0
"""How long it may take to say that a replay is gone, s."""
FOLLOWED = 5_000
"""Commands whose ids are remembered: one that is read again is not followed again."""

NewRun = Callable[[float | None], Run]
Publish = Callable[[str, ReplayStatus | None], Awaitable[None]]
"""Writes a replay's status by its name, None when it is gone; returns once the broker has it."""


@dataclass(frozen=True)
class Extent:
    """What can be replayed: where it comes from, and its event times, epoch seconds, half-open.

    ``whole``: only from its beginning.
    """

    source: str
    begin_s: float
    end_s: float
    whole: bool = False


class Control:
    """Follows the commands to this process, from entering on, and says how it is.

    Parameters
    ----------
    publish
        Writes what it says.
    extent
        What can be replayed.
    new_run
        Makes a run from an event time on, epoch seconds, or from the beginning; a GridstressError
        says why it cannot be.
    speed
        Of the first run; later ones have the last that was set.
    """

    def __init__(
        self,
        settings: Settings,
        publish: Publish,
        extent: Extent,
        new_run: NewRun,
        speed: Speed,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"[-128:]
        self._settings, self._publish, self._extent = settings, publish, extent
        self._new_run, self._speed = new_run, speed
        self._pace: Pace | None = None
        self._run = ""
        self._next: Run | None = None
        self.stopped = False
        """Whether the process is to end."""
        self._wanted = asyncio.Event()
        self._answers: deque[Answer] = deque(maxlen=MAX_ANSWERS)
        self._followed: OrderedDict[str, None] = OrderedDict()
        self._unsaid = 0
        self._news, self._said = asyncio.Event(), asyncio.Event()
        self._results = Results(settings)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to follow; the topic must exist.

        Raises
        ------
        BrokerError
            If no broker answers.
        """
        ends = await log_ends(self._settings.kafka, REPLAY_CONTROL)
        self._tasks = [
            asyncio.create_task(self._follow(ends.get(0, 0))),
            asyncio.create_task(self._say_often()),
        ]
        for task in self._tasks:
            task.add_done_callback(lambda _: self.stop())  # nothing works without it
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop following, and say that this replay is gone."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._results.close()
        with suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._publish(self.name, None)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def begin(self, run: str) -> Pace:
        """The pace of a run that begins now.

        Raises
        ------
        BrokerError
            If it hurries through calm, and no broker answers.
        """
        settings = self._settings
        pace = Pace(self._speed, step_s=settings.step_s, lateness_s=settings.lateness_s)
        self._results.of(run, pace)
        if pace.hurries:
            await self._results.open()
        self._run, self._pace = run, pace
        if self.stopped or self._next is not None:
            pace.stop()
        self._news.set()
        return pace

    def end(self) -> None:
        """Nothing more of the run is sent."""
        self._pace = None
        self._news.set()

    def stop(self) -> None:
        """Stop the run, and wait for no other one."""
        self.stopped = True
        if self._pace is not None:
            self._pace.stop()
        self._wanted.set()

    async def next(self, *, stay: bool) -> Run | None:
        """The run that is wanted next; with ``stay`` it is waited for. None if there is none."""
        while stay and self._next is None and not self.stopped:
            self._wanted.clear()
            await self._wanted.wait()
        run, self._next = self._next, None
        return None if self.stopped else run

    async def _follow(self, offset: int) -> None:
        while True:
            try:
                commands = scan_topic(
                    self._settings.kafka, REPLAY_CONTROL, follow=True, begin={0: offset}
                )
                async for record in commands:
                    if record.partition:
                        continue
                    offset = record.offset + 1
                    try:
                        command = decode(record.value, ReplayCommand)
                    except MessageError as error:
                        log.warning("passed over %s@%s: %s", REPLAY_CONTROL, record.offset, error)
                        continue
                    await self._take(command)
            except GridstressError as error:
                log.warning("commands are not followed for now: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _take(self, command: ReplayCommand) -> None:
        if command.replay != self.name or command.id in self._followed:
            return
        self._followed[command.id] = None
        if len(self._followed) > FOLLOWED:
            self._followed.popitem(last=False)
        while self._unsaid >= MAX_ANSWERS:  # more would displace unpublished answers
            self._said.clear()
            await self._said.wait()
        refused = ""
        try:
            await self._obey(command)
        except GridstressError as error:
            refused = str(error)[:1000]
        log.info("%s by %s%s", command.command, command.by, refused and f": {refused}")
        self._answers.append(Answer(command.id, refused))
        self._unsaid += 1
        self._news.set()

    async def _obey(self, command: ReplayCommand) -> None:
        """Do what a command says; a GridstressError says why it has no effect."""
        if command.command == "start":
            self._begin_anew(command)
            return
        speed = parse_speed(command.speed or "") if command.command == "speed" else self._speed
        running = self._pace is not None and not self._pace.stopped
        if running and (command.command == "next-alarm" or speed.hurries):
            await self._results.open()
        pace = self._pace  # another run may have begun meanwhile
        if pace is None or pace.stopped:
            raise UsageError("no run is being sent: start one")
        match command.command:
            case "pause":
                pace.pause()
            case "resume":
                pace.resume()
            case "step":
                pace.step()
            case "stop":
                pace.stop()
            case "next-alarm":
                pace.go_to_alarm()
            case "speed":
                pace.set_speed(speed)
                self._speed = speed

    def _begin_anew(self, command: ReplayCommand) -> None:
        speed = self._speed if command.speed is None else parse_speed(command.speed)
        self._next = self._new_run(None if command.begin is None else command.begin.timestamp())
        self._speed = speed
        if self._pace is not None:
            self._pace.stop()
        self._wanted.set()

    async def _say_often(self) -> None:
        while True:
            self._news.clear()
            unsaid = self._unsaid
            try:
                await self._publish(self.name, self._status())
            except BrokerError as error:
                log.warning("could not say how the replay is: %s", error)
            else:
                self._unsaid -= unsaid
                self._said.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):  # wait_for may pass over a cancellation
                    await self._news.wait()

    def _status(self) -> ReplayStatus:
        pace, extent = self._pace, self._extent
        held = pace is not None and pace.paused and not pace.to_alarm
        next_s = pace.next_s if pace is not None else None
        return ReplayStatus(
            replay=self.name,
            state="waiting" if pace is None else "paused" if held else "running",
            run=self._run,
            source=extent.source[:1000],
            speed=str(self._speed),
            hurries=pace is not None and pace.hurries,
            to_alarm=pace is not None and pace.to_alarm,
            next=None if next_s is None else to_datetime(int(next_s)),
            begin=to_datetime(int(extent.begin_s)),
            end=to_datetime(int(extent.end_s)),
            whole=extent.whole,
            at=datetime.now(UTC),
            answers=list(self._answers),
        )
