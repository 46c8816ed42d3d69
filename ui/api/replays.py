"""What the replays say of themselves, as the topic ``replay_status`` has it."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import convert, to_builtins

from topology.codec import decode
from topology.errors import MessageError
from topology.replay_messages import Answer, ReplayStatus
from ui.api.broker_clock import BrokerClock
from ui.schema.replays import SILENT_S, Replay

MAX_REPLAYS = 1_000
"""Replays that are known at a time: others may write into our topics, too."""


class KnownReplays:
    """The replays, and what they have answered; for one event loop."""

    def __init__(self, clock: BrokerClock) -> None:
        self._clock = clock
        self._newest: OrderedDict[str, tuple[float, ReplayStatus]] = OrderedDict()
        self._awaited: dict[str, asyncio.Future[Answer]] = {}

    def apply(self, key: str, raw: bytes | None, at_s: float) -> None:
        """Take a status that was appended to the log at a time in epoch seconds; None: it is gone.

        Raises
        ------
        MessageError
            If it is not a status.
        """
        self._clock.saw(at_s)
        if raw is None:
            self._newest.pop(key, None)
            return
        status = decode(raw, ReplayStatus)
        if status.replay != key:
            raise MessageError("invalid", f"a status of replay {status.replay!r} with another key")
        self._newest.pop(key, None)
        self._newest[key] = at_s, status
        if len(self._newest) > MAX_REPLAYS:
            self._newest.popitem(last=False)
        for answer in status.answers:
            awaited = self._awaited.get(answer.command)
            if awaited is not None and not awaited.done():
                awaited.set_result(answer)

    def of(self, replay: str) -> ReplayStatus | None:
        """What a replay has said last; None if it is gone."""
        _, status = self._newest.get(replay, (0.0, None))
        return status

    def there(self) -> list[ReplayStatus]:
        """Those that are there, the one that spoke last first."""
        since = self._clock.now() - SILENT_S
        return [status for at_s, status in reversed(self._newest.values()) if at_s > since]

    @contextmanager
    def expecting(self, command: str) -> Iterator[asyncio.Future[Answer]]:
        """Give the answer to a command, by its id, once it comes; entered before it is sent."""
        awaited = self._awaited[command] = asyncio.get_running_loop().create_future()
        try:
            yield awaited
        finally:
            del self._awaited[command]


def shown(status: ReplayStatus) -> Replay:
    """A status as answers have it."""
    return convert(to_builtins(status), Replay)
