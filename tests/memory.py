"""A stream and a topic in memory: what an agent needs of Faust, and nothing more."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Any, NoReturn


class Halted(BaseException):
    """Stands for the end of the process."""


def halt(reason: str) -> NoReturn:
    raise Halted(reason)


async def _done() -> None:
    return None


@dataclass
class Topic:
    """A topic that acknowledges at once."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **record: Any) -> Awaitable[None]:
        self.sent.append(record)
        return _done()


@dataclass
class Message:
    topic: str = "t"
    partition: int = 0
    offset: int = 0
    key: bytes = b"k"
    value: bytes | None = b"v"
    timestamp: float = 1.0


@dataclass
class Event:
    message: Message
    acked: bool = False

    @property
    def value(self) -> bytes | None:
        return self.message.value

    def ack(self) -> None:
        self.acked = True


@dataclass
class Stream:
    items: list[Event]

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        for item in self.items:
            yield item
