"""Send incoming measurements until the input ends or the feed is stopped."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol

from gridstress.datasets.entsoe_api import SourceError
from gridstress.kafka.topics import MAX_FRAME_BYTES
from gridstress.live.frame_check import read_frame
from gridstress.live.live_run import LiveRun
from gridstress.run_records.frame_sinks import Sink
from topology.errors import MessageError
from topology.grid import Grid
from topology.messages import MeasurementFrame

AHEAD = 64
"""Lines that are read before they are sent, at most."""

IDLE_S = 0.05
"""Seconds without a line after which all that was sent is flushed."""

Say = Callable[[str], None]


class Source(Protocol):
    """Knows the load of areas, up to now."""

    def loads(self, area: str, since_s: float, until_s: float) -> dict[int, float]:
        """Mean load in MW by the time its period begins, epoch seconds."""


@dataclass
class Fed:
    """What was sent, and how many lines were refused."""

    frames: int = 0
    rows: int = 0
    refused: int = 0

    def add(self, frame: MeasurementFrame) -> None:
        """Count a frame that was sent."""
        self.frames += 1
        self.rows += 0 if frame.final else len(frame.timestamps)


async def pump(
    lines: AsyncIterator[bytes], grid: Grid, sink: Sink, stop: asyncio.Event, say: Say
) -> Fed:
    """Send frames that come as lines of JSON; what cannot be used is reported and skipped.

    Parameters
    ----------
    sink
        Already entered.
    stop
        When set, no more lines are taken.
    say
        Called for every line that is refused, with its number.

    Raises
    ------
    BrokerError
        If the broker does not take the frames.
    """
    fed, number = Fed(), 0
    async for line in _until(lines, stop, idle=sink.flush):
        number += 1
        if not line.strip():
            continue
        try:
            frame = read_frame(line, grid)
        except MessageError as error:
            fed.refused += 1
            say(f"line {number} refused: {error.reason}: {error}")
            continue
        await sink.send((frame,))
        fed.add(frame)
    await sink.flush()
    return fed


async def poll(
    source: Source,
    areas: Mapping[str, str],
    run: LiveRun,
    sink: Sink,
    stop: asyncio.Event,
    say: Say,
    *,
    every_s: float,
) -> Fed:
    """Ask for what is new of each zone again and again, and send it.

    A source that fails is reported and asked again the next time; nothing is lost by that.

    Parameters
    ----------
    areas
        By zone, what the source calls it.
    sink
        Already entered.
    stop
        When set, it ends after the round it is at.
    say
        Called with what was sent, and with what failed.
    every_s
        From the end of a round to the next, s.

    Raises
    ------
    BrokerError
        If the broker does not take the frames.
    """
    fed = Fed()
    while not stop.is_set():
        for zone, area in areas.items():
            now_s = time.time()
            try:
                loads = await asyncio.to_thread(source.loads, area, run.next_s(zone), now_s)
            except SourceError as error:
                say(f"{zone}: {error}; asked again in {every_s:g} s")
                continue
            rows = fed.rows
            for frame in run.take(zone, loads, now_s):
                await sink.send((frame,))
                fed.add(frame)
            await sink.flush()
            if fed.rows > rows:
                say(f"{zone}: {fed.rows - rows} rows")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
    return fed


async def lines_of(file: BinaryIO) -> AsyncIterator[bytes]:
    """Lines of a file or pipe as they come; one too long for a frame comes cut off.

    Read in a thread that ends with the process: nothing else can interrupt a read from a terminal.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes] = asyncio.Queue(AHEAD)

    def put(line: bytes) -> None:
        asyncio.run_coroutine_threadsafe(ready.put(line), loop).result()

    # Not `file` itself: Python aborts at its end if a thread still holds the lock of sys.stdin.
    own = os.fdopen(os.dup(file.fileno()), "rb")

    def read() -> None:
        line, ended = b"", True
        with own, suppress(RuntimeError):  # raised once the event loop is closed
            while part := own.readline(MAX_FRAME_BYTES + 2):
                line = part if ended else line
                ended = part.endswith(b"\n")
                if ended:
                    put(line)
            if not ended:
                put(line)
            put(b"")

    threading.Thread(target=read, name="lines", daemon=True).start()
    while line := await ready.get():
        yield line


async def _until(
    lines: AsyncIterator[bytes], stop: asyncio.Event, idle: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """Yield lines until ``stop`` is set; call ``idle`` when no line comes for `IDLE_S`."""
    stopped = asyncio.create_task(stop.wait())
    following = asyncio.ensure_future(anext(lines, b""))
    try:
        while not stop.is_set():
            wait = partial(asyncio.wait, (following, stopped), return_when=asyncio.FIRST_COMPLETED)
            done, _ = await wait(timeout=IDLE_S)
            if not done:
                await idle()
                await wait()
            if not following.done() or not (line := following.result()):
                return
            yield line
            following = asyncio.ensure_future(anext(lines, b""))
    finally:
        following.cancel()
        stopped.cancel()
