"""Command a replay from outside: find it, send a command, and wait for its answer."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from gridstress.kafka.acknowledged_producer import AcknowledgedProducer
from gridstress.kafka.topic_reader import Follower, followed
from gridstress.kafka.topics import REPLAY_CONTROL, REPLAY_STATUS
from gridstress.replay.pace import parse_speed
from gridstress.settings import Settings
from topology.codec import decode, encode
from topology.errors import BrokerError, GridstressError, MessageError, UsageError
from topology.messages import RESULT_TIMES
from topology.replay_messages import Command, ReplayCommand, ReplayStatus
from ui.schema.replays import SILENT_S

ANSWER_S = 10.0
"""How long an answer is waited for, s."""
SPEAKS_S = 3.0
"""A replay that is there says something within so long, s."""
RECENT = 1_000
"""Statuses that are looked at to find the replays."""
MAX_BYTES = 1 << 20


def new_command(
    replay: ReplayStatus,
    command: Command,
    by: str,
    *,
    speed: str | None = None,
    begin: datetime | None = None,
) -> ReplayCommand:
    """A command to this replay, sent by ``by`` now.

    Raises
    ------
    UsageError
        If ``speed`` or ``begin`` has no effect on this command, is missing, or makes no sense.
    """
    if command == "speed" and speed is None:
        raise UsageError("speed is missing: a number of event seconds per second, max or auto")
    if speed is not None and command not in ("speed", "start"):
        raise UsageError(f"{command} takes no speed")
    if begin is not None and command != "start":
        raise UsageError(f"{command} takes no beginning")
    if speed is not None:
        parse_speed(speed[:41])
    earliest, latest = RESULT_TIMES
    if begin is not None and not earliest <= begin <= latest:
        raise UsageError(f"{begin} is not between {earliest:%Y} and {latest:%Y}")
    return ReplayCommand(
        id=secrets.token_hex(16),
        replay=replay.replay,
        command=command,
        by=by[:1000],
        at=datetime.now(UTC),
        speed=speed and speed.strip()[:40],
        begin=begin,
    )


def choose(replays: Sequence[ReplayStatus], run: str | None) -> ReplayStatus:
    """The replay of a run, or the only one there is.

    Raises
    ------
    UsageError
        If there is none, or several and no run is named.
    """
    if not replays:
        raise UsageError(
            "no replay is there to follow a command",
            hint="`gridstress up` starts one that waits; any other is there while it sends",
        )
    names = ", ".join(replay.run for replay in replays)
    if run is None and len(replays) > 1:
        raise UsageError(f"there are {len(replays)} replays: name the run", hint=f"one of {names}")
    for replay in replays:
        if run in (None, replay.run):
            return replay
    raise UsageError(f"no replay is there of run {run!r}", hint=f"there is one of {names}")


async def find_replays(settings: Settings) -> list[ReplayStatus]:
    """Ask which replays are there, the one that spoke last first.

    Raises
    ------
    DataError
        If there is no topic: no worker or replay of this version has used the broker.
    BrokerError
        If no broker answers.
    """
    known: dict[str, tuple[float, ReplayStatus]] = {}
    async with followed(settings.kafka, [REPLAY_STATUS], tail={REPLAY_STATUS: RECENT}) as reader:
        async for record in reader.to_end():
            _note(record, known)
        if not _there(known) and known:
            # Clocks may differ: one that is there speaks soon.
            known.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SPEAKS_S):
                    while True:
                        for record in await reader.read(reader.begins):
                            _note(record, known, float("inf"))
    return _there(known)


def _note(
    record: ConsumerRecord, known: dict[str, tuple[float, ReplayStatus]], at_s: float | None = None
) -> None:
    name, status = (record.key or b"").decode(errors="replace"), _status(record.value)
    known.pop(name, None)
    if status is not None and status.replay == name:
        known[name] = record.timestamp / 1000 if at_s is None else at_s, status


def _there(known: Mapping[str, tuple[float, ReplayStatus]]) -> list[ReplayStatus]:
    since = time.time() - SILENT_S
    return [status for at_s, status in list(known.values())[::-1] if at_s > since]


async def send(settings: Settings, command: ReplayCommand) -> ReplayStatus:
    """Send a command, and give what its replay says once it has followed it.

    Raises
    ------
    UsageError
        If the replay has refused it, with its reason.
    GridstressError
        If it does not answer.
    BrokerError
        If no broker answers.
    """
    from aiokafka.errors import KafkaError

    async with followed(settings.kafka, [REPLAY_STATUS], tail={REPLAY_STATUS: 0}) as reader:
        try:
            async with AcknowledgedProducer(settings, max_bytes=MAX_BYTES) as producer:
                key, value = command.replay.encode(), encode(command)
                await producer.wait(
                    await producer.send(REPLAY_CONTROL, value, key=key, partition=0)
                )
        except (KafkaError, OSError) as error:
            raise BrokerError(f"the command could not be sent: {error!r}") from error
        try:
            return await asyncio.wait_for(_answered(reader, command), ANSWER_S)
        except TimeoutError:
            raise GridstressError(
                f"replay {command.replay} has not answered for {ANSWER_S:.0f} s",
                hint="does its process still run?",
            ) from None


async def _answered(reader: Follower, command: ReplayCommand) -> ReplayStatus:
    while True:
        for record in await reader.read(reader.begins):
            status = _status(record.value)
            for answer in status.answers if status is not None else ():
                if answer.command != command.id or status is None:
                    continue
                if answer.refused:
                    raise UsageError(answer.refused)
                return status


def _status(value: bytes | None) -> ReplayStatus | None:
    try:
        return None if value is None else decode(value, ReplayStatus)
    except MessageError:  # another program has written to the topic
        return None
