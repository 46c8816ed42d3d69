"""Replace a group's settings, which ends the runs that are under way."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from aiokafka import ConsumerRecord

from gridstress.admin.reshard import count_members
from gridstress.faust_fixes.fencing import NO_OWNER, Epoch, counts
from gridstress.group_settings.rule import GroupSettings, Mine, differences
from gridstress.group_settings.settings_log import append, now, read_log, who
from gridstress.kafka import topics
from gridstress.kafka.clients import admin_client
from gridstress.kafka.probe import cluster_id, is_embedded
from gridstress.kafka.topic_reader import read_topic
from gridstress.settings import Settings
from gridstress.verify.backlog import unfinished
from gridstress.verify.collect import run_of
from tables.schema import schema_of, strip_schema_byte
from tables.shard_state import ForgottenRun, unpack
from topology.errors import DataError, GridstressError, UsageError

_RunKey = tuple[str, int, int | None]
_key_decoder = msgspec.json.Decoder(_RunKey)


@dataclass(frozen=True)
class Change:
    """What an accept would do.

    Attributes
    ----------
    differences
        What differs, one line each; empty if nothing has to be accepted.
    runs
        Runs that it ends: the workers keep them, or have records of them between their stages.
    waiting
        Records between the stages that the workers have not committed. They are of the former
        settings, so those that do not count yet will be refused.
    """

    group: GroupSettings
    differences: list[str]
    runs: frozenset[str]
    waiting: int


async def plan_accept(settings: Settings, mine: Mine) -> Change:
    """Look what it would mean to replace the group's settings by those of this process.

    Raises
    ------
    UsageError
        If workers are in the group, or the broker is the embedded one.
    GridstressError
        If the group has no settings yet: its first worker settles them.
    BrokerError
        If the broker does not answer.
    """
    if await is_embedded(settings.kafka):
        raise UsageError(
            "the embedded broker does not tell which workers have gone",
            hint="it forgets everything when it stops: gridstress down, and up with other settings",
        )
    await refuse_while_at_work(settings)
    group = await read_log(settings)
    if group is None:
        raise GridstressError(
            f"group {settings.group!r} has no settings yet", hint="its first worker settles them"
        )
    found = differences(group.current, mine)
    if not found:
        return Change(group, [], frozenset(), 0)
    return Change(group, found, *await _under_way(settings, group))


async def _under_way(settings: Settings, group: GroupSettings) -> tuple[frozenset[str], int]:
    """The runs that an accept would end, and the records of them between the stages."""
    models = group.current.settings.get("models", "").split(",")
    known = await _known_runs(settings, models)
    between = await _runs_between(settings, models)
    return frozenset(known | between.keys()) - group.ended_runs, between.total()


async def accept(settings: Settings, mine: Mine, change: Change) -> GroupSettings:
    """Replace the group's settings by those of this process, and end the runs under way.

    It is announced before the coordinator is asked for workers. Each of them is in the group before
    it reads the log, so either it is seen here, or it reads the announcement and ends by itself.

    Raises
    ------
    UsageError
        If workers are in the group, or came while it was done; then nothing has changed.
    GridstressError
        If the group's settings have changed since the change was planned.
    BrokerError
        If the broker does not answer. Once it does, the announcement is there: accept again.
    """
    await refuse_while_at_work(settings)
    if await read_log(settings) != change.group:
        raise GridstressError("the group's settings have changed meanwhile", hint="try again")
    at, by = now(), who()
    await append(settings, *mine.announcing(change.runs, at=at, by=by))
    try:
        await refuse_while_at_work(settings)
    except UsageError:
        await give_up(settings, mine)
        raise
    under_way, _ = await _under_way(settings, change.group)
    begun = under_way - change.runs  # by a worker that has come and gone since it was planned
    await append(settings, mine.record("accepted", at=at, by=by, runs=begun))
    group = await read_log(settings)
    if group is None or differences(group.current, mine):
        raise GridstressError("other settings were accepted at the same time", hint="try again")
    return group


async def give_up(settings: Settings, mine: Mine) -> None:
    """Take back what an accept has announced: the group keeps its settings and its runs."""
    await append(settings, mine.record("given-up", at=now(), by=who()))


async def refuse_while_at_work(settings: Settings) -> None:
    """Raise UsageError if the group's coordinator knows workers."""
    await cluster_id(settings.kafka)  # a clear error if no broker answers
    async with admin_client(settings.kafka, "the broker does not describe the group") as admin:
        members = await count_members(admin, settings.group)
    if members:
        raise UsageError(
            f"{members} workers are in the group {settings.group!r}", hint="stop all of them first"
        )


async def _known_runs(settings: Settings, models: Iterable[str]) -> set[str]:
    """Runs of which the group's tables hold a state."""
    runs: set[str] = set()
    for model in models:
        try:
            found = await read_topic(settings.kafka, topics.changelog(settings.group, model))
        except DataError:
            continue  # no such topic
        runs |= known_runs(found)
    return runs


def known_runs(changelog: Iterable[ConsumerRecord]) -> set[str]:
    """Runs of which a changelog holds a state, by the records that count.

    A run that every shard has forgotten needs no mark: its tombstones refuse new rows.
    """
    states: dict[bytes, bytes | None] = {}
    current: dict[int, Epoch] = {}
    for record in changelog:
        epoch = Epoch.of(record.headers or ())
        if record.key and counts(epoch, current.get(record.partition, NO_OWNER)):
            current[record.partition] = epoch
            states[record.key] = record.value
    return {
        run
        for key, value in states.items()
        if value and (run := _run_of_key(key)) is not None and not _is_forgotten(value)
    }


def _is_forgotten(value: bytes) -> bool:
    try:
        return isinstance(unpack(strip_schema_byte(value), schema_of(value)), ForgottenRun)
    except (msgspec.MsgspecError, ValueError):
        return False  # not ours, so nothing is known of it


def _run_of_key(key: bytes) -> str | None:
    try:
        run, _, pane_s = _key_decoder.decode(key)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # a fence
    return run if pane_s is None else None


async def _runs_between(settings: Settings, models: Iterable[str]) -> Counter[str]:
    """Records between the stages that the group has not finished, by run."""
    names = [topics.STRESS, *map(topics.propagated, models)]
    found = [run_of(record.topic, record.value) async for record in unfinished(settings, names)]
    return Counter(run for run in found if run is not None)
