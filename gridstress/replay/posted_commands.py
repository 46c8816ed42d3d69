"""Commands that a program posts to a worker, which sends them on to the topic."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agents.outbox import Topic
from gridstress.replay.commands import ANSWER_S, choose, new_command
from topology.clock import to_datetime
from topology.codec import encode
from topology.errors import GridstressError, MessageError, UsageError
from ui.api.guard import MAX_COMMAND_BYTES
from ui.api.replays import KnownReplays, shown
from ui.api.routes import event_time
from ui.schema.replays import Replay, Wanted


@dataclass(frozen=True)
class PostedCommands:
    """Sends commands on to ``replay_control`` and waits for their answers.

    Parameters
    ----------
    ready
        Whether this worker works.
    """

    topic: Topic
    known: KnownReplays
    ready: Callable[[], bool]

    async def __call__(self, body: bytes, by: str) -> Replay:
        """Send a `Wanted` on, and give how the replay is once it has followed it.

        Raises
        ------
        MessageError
            If it is no command.
        UsageError
            If it makes no sense, no replay is there, or the replay refuses it.
        GridstressError
            If this worker is not ready, or no answer comes.
        """
        if not self.ready():
            raise GridstressError("this worker is not ready")
        if len(body) > MAX_COMMAND_BYTES:
            raise MessageError("too-large", f"more than {MAX_COMMAND_BYTES:,} bytes")
        wanted = _read(body)
        begin = wanted.begin
        chosen = choose(self.known.there(), wanted.run)
        command = new_command(
            chosen,
            wanted.command,
            f"{by} (API)",
            speed=wanted.speed,
            begin=None if begin is None else to_datetime(event_time("begin", begin)),
        )
        key, value = chosen.replay.encode(), encode(command)
        with self.known.expecting(command.id) as answer:
            await (await self.topic.send(key=key, value=value, partition=0))
            try:
                refused = (await asyncio.wait_for(answer, ANSWER_S)).refused
            except TimeoutError:
                raise GridstressError(f"the replay of run {chosen.run} does not answer") from None
        if refused:
            raise UsageError(refused)
        return shown(self.known.of(chosen.replay) or chosen)


def _read(body: bytes) -> Wanted:
    try:
        return msgspec.json.decode(body, type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError("invalid", f"not a command: {error}") from None
