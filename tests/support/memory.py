"""A stream, a topic and a table in memory: what an agent needs of Faust, and nothing more; and the
workers' own consumer without a broker."""

from asyncio import Future, Queue
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import faust
from faust.types import TP

from gridstress.faust_fixes.consumer import SafeConsumer
from gridstress.faust_fixes.producer import SafeTransport


class Halted(BaseException):
    """Stands for the end of the process."""


def halt(reason: str) -> NoReturn:
    raise Halted(reason)


def lone_consumer(*merged: str) -> Any:
    """A worker's consumer that no broker answers; ``merged`` are topics merged by time."""
    app = cast(Any, faust.App("lone", broker="kafka://127.0.0.1:1", store="memory://"))
    app.transport = SafeTransport(app.conf.broker_consumer, app, merged=merged)

    async def nothing(*_: Any) -> None: ...

    return SafeConsumer(
        app.transport,
        callback=nothing,
        on_partitions_revoked=nothing,
        on_partitions_assigned=nothing,
    )


class Log:
    """Stands for the client: gives what was put into it for the partitions that are asked for."""

    def __init__(self) -> None:
        self.waiting: dict[TP, list[Any]] = {}
        self.asked: list[frozenset[TP]] = []
        self.begins: dict[TP, int] = {}
        self.ends: dict[TP, int] = {}
        self.position: dict[TP, int] = {}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.begins.get(tp, 0) for tp in tps}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.ends.get(tp, 1000) for tp in tps}

    def put(self, tp: TP, *offsets: int) -> None:
        """Records whose time is ten times their offset, a little later in partition 1."""
        self.waiting[tp] = [
            SimpleNamespace(
                topic=tp.topic, partition=tp.partition, offset=n, timestamp=10 * n + tp.partition,
                timestamp_type=0, headers=(), key=b"k", value=b"v", checksum=None,
                serialized_key_size=1, serialized_value_size=1,
            )
            for n in offsets
        ]  # fmt: skip

    async def getmany(self, wanted: frozenset[TP], timeout: float) -> dict[TP, list[Any]]:  # noqa: ASYNC109
        self.asked.append(wanted)
        found = {tp: self.waiting.pop(tp) for tp in wanted if tp in self.waiting}
        self.position |= {tp: records[-1].offset + 1 for tp, records in found.items()}
        return found


def _done() -> Awaitable[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done


@dataclass
class Topic:
    """A topic that acknowledges at once."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **record: Any) -> Awaitable[None]:
        self.sent.append(record)
        return _done()

    async def send_many(
        self, partition: int, records: Sequence[tuple[bytes, bytes, Any]]
    ) -> Sequence[Awaitable[None]]:
        self.sent += [
            {"key": k, "value": v, "partition": partition, "headers": h} for k, v, h in records
        ]
        return [_done()]


@dataclass
class Message:
    topic: str = "t"
    partition: int = 0
    offset: int = 0
    key: bytes = b"k"
    value: bytes | None = b"v"
    timestamp: float = 1.0
    generation_id: int = 1
    tracked: bool = False


class App:
    """What agents ask of the app; records flow while it is `active`."""

    def __init__(self) -> None:
        self.active = True
        self.consumer = SimpleNamespace(track_message=lambda message: None)
        self.consumer_generation_id = 1
        self.flow_control = SimpleNamespace(is_active=lambda: self.active)


@dataclass
class Event:
    message: Message
    acked: bool = False
    app: Any = field(default_factory=App)

    @property
    def value(self) -> bytes | None:
        return self.message.value

    def ack(self) -> None:
        self.acked = True


class Stream:
    """Gives the first event to whoever asks, the others lie ready in the channel."""

    def __init__(self, items: Sequence[Event]) -> None:
        self.channel = SimpleNamespace(queue=Queue())
        self.app = App()
        for item in items:
            item.app = self.app
            self.channel.queue.put_nowait(item)

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        while self.channel.queue.qsize():
            yield self.channel.queue.get_nowait()


@dataclass
class Table:
    """Keys and values of each shard, and all changes in their order; takes ``left`` more."""

    shards: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    changes: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    left: float = float("inf")
    owner: int = 0

    def version(self, shard: int) -> int:
        return self.owner

    def stored(self, shard: int, key: bytes) -> bytes | None:
        return self.shards.get(shard, {}).get(key)

    def stored_keys(self, shard: int) -> list[bytes]:
        return list(self.shards.get(shard, {}))

    async def write(
        self, shard: int, changes: Sequence[tuple[bytes, bytes | None]], version: int
    ) -> None:
        if version != self.owner:
            raise LookupError(f"shard {shard} was taken over meanwhile")
        values = self.shards.setdefault(shard, {})
        for key, value in changes:
            if self.left <= 0:
                raise OSError("no space left")
            self.left -= 1
            self.changes.append((key, value))
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
