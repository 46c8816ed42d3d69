"""Command a replay from outside: find it, send a command, and wait for its answer."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from gridstress.kafka.acknowledged_producer import AcknowledgedProducer
from gridstress.kafka.topic_reader import Follower, followed
from gridstress.kafka.topics import REPLAY_CONTROL, REPLAY_STATUS
from gridstress.settings import Settings
from topology.errors import BrokerError, GridstressError, MessageError, UsageError
from topology.messages import decode, encode
from topology.replay_messages import Command, ReplayCommand, ReplayStatus

SILENT_S = 10.0
"""A replay that has said nothing for so long is not counted on; it does every two seconds."""
ANSWER_S = 10.0
"""How long an answer is waited for, s."""
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
    """A command to this replay, by somebody, from now.

    Raises
    ------
    UsageError
        If ``speed`` or ``begin`` has no effect on this command, or is missing.
    """
    if command == "speed" and speed is None:
        raise UsageError("speed is missing: a number of event seconds per second, max or auto")
    if speed is not None and command not in ("speed", "start"):
        raise UsageError(f"{command} takes no speed")
    if begin is not None and command != "start":
        raise UsageError(f"{command} takes no beginning")
    return ReplayCommand(
        id=secrets.token_hex(16),
        replay=replay.replay,
        command=command,
        by=by[:1000],
        at=datetime.now(UTC),
        speed=speed,
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
    newest: dict[str, ReplayStatus | None] = {}
    async with followed(settings.kafka, [REPLAY_STATUS], tail=RECENT) as reader:
        while records := await reader.read(reader.begins):
            for record in records:
                newest[(record.key or b"").decode(errors="replace")] = _status(record.value)
    since = datetime.now(UTC).timestamp() - SILENT_S
    there = [s for s in newest.values() if s is not None and s.at.timestamp() > since]
    return sorted(there, key=lambda status: status.at, reverse=True)


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

    async with followed(settings.kafka, [REPLAY_STATUS], tail=0) as reader:
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
    except MessageError:  # somebody else has written into the topic
        return None
