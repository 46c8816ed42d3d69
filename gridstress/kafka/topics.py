"""The topics of gridstress, and creating them."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridstress.kafka.clients import admin_client
from gridstress.kafka.topic_configs import (
    BROKER_TIME,
    SENDER_TIME,
    changelog_config,
    compacted,
    durable,
    kept,
    last_day,
)
from gridstress.settings import Settings
from topology.errors import BrokerError, GridstressError

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

MEASUREMENTS = "grid_measurements"
STRESS = "stress_events"
DEAD_LETTERS = "dead_letters"
RESHARDED = "resharded"
"""Reason of a dead letter that says: those before it are about topics that are there no more."""
VIEW = "grid_view"
STATUS = "worker_status"
RUNS = "runs"
AUDIT = "audit"
REPLAY_CONTROL = "replay_control"
"""Commands to replays, in one partition: they are followed in the order of its log."""
REPLAY_STATUS = "replay_status"

MAX_RECORD_BYTES = 2 << 20
"""Size of the largest record we write. What comes in is half of that, so that anything unreadable
still fits into ``dead_letters``, beside its headers; compressed it may be larger, and its dead
letter is truncated then."""

MAX_INTAKE_BYTES = (1 << 20) + 12
"""Size of the largest batch of measurements that a topic takes: Kafka's default, set on purpose."""

MAX_FRAME_BYTES = 1_000_000
"""Size of the largest frame of measurements; it must fit into what a topic allows by default."""

MAX_BATCH_BYTES = 1 << 20
"""Size up to which records for a partition share a batch; the topics allow twice as much."""

VISIBLE_S = 30.0
"""How long a broker may take to show a new topic, s; Kafka takes some hundredths."""

_ROOMY = {"max.message.bytes": str(MAX_RECORD_BYTES)}
_INTAKE = {"max.message.bytes": str(MAX_INTAKE_BYTES)}


def propagated(model: str) -> str:
    """Name of a model's topic of propagated stress."""
    return f"propagated_stress_{model}"


def windows(model: str) -> str:
    """Name of a model's topic of final windows."""
    return f"risk_windows_{model}"


def alerts(model: str) -> str:
    """Name of a model's topic of alerts."""
    return f"risk_alerts_{model}"


def table(model: str) -> str:
    """Name of a model's table."""
    return f"risk_{model}"


def changelog(group: str, model: str) -> str:
    """Name of the changelog topic of a model's table."""
    return f"{group}-{table(model)}-changelog"


def settings_log(group: str) -> str:
    """Name of the topic that keeps a group's settings (`gridstress.group_settings`)."""
    return f"{group}-settings"


def sources(models: Iterable[str]) -> list[str]:
    """Names of the topics that the stages read."""
    return [MEASUREMENTS, STRESS, *map(propagated, models)]


def zone_partition(zone: str, zones: Sequence[str], partitions: int) -> int:
    """Partition that a zone's measurements go to: its place among the sorted zones, modulo.

    A hash might put all of a few zones on one partition.
    """
    return sorted(zones).index(zone) % partitions


@dataclass(frozen=True)
class TopicSpec:
    """A topic's name, number of partitions and own settings.

    ``any_count``: one that is there may have any number of partitions.
    """

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)
    any_count: bool = False


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Every topic of the app, those included that Faust would make by itself.

    Faust makes its changelogs while it joins the group; on Kafka the worker may then see them too
    late and take them for topics without partitions, until it is started again.
    """
    count = settings.partitions
    stream = kept(settings, settings.retention_days)
    dead_letters = kept(settings, settings.retention_dead_letters_days)
    written = [STRESS]
    for model in settings.model_names:
        written += [propagated(model), windows(model), alerts(model)]
    changelogs = [changelog(settings.group, model) for model in settings.model_names]
    return [
        TopicSpec(MEASUREMENTS, count, stream | SENDER_TIME | _INTAKE),
        TopicSpec(DEAD_LETTERS, count, dead_letters | BROKER_TIME | _ROOMY, any_count=True),
        TopicSpec(RUNS, count, compacted(settings) | _ROOMY, any_count=True),
        TopicSpec(REPLAY_CONTROL, 1, stream | BROKER_TIME, any_count=True),
        TopicSpec(REPLAY_STATUS, 1, last_day(settings), any_count=True),
        *(TopicSpec(name, count, stream | BROKER_TIME | _ROOMY) for name in written),
        TopicSpec(VIEW, count, compacted(settings) | _ROOMY),
        *(TopicSpec(name, count, last_day(settings) | _ROOMY) for name in (STATUS, AUDIT)),
        *(TopicSpec(name, count, changelog_config(settings) | _ROOMY) for name in changelogs),
        TopicSpec(settings_log(settings.group), 1, kept(settings, 0) | BROKER_TIME | _ROOMY),
        TopicSpec(f"{settings.group}-__assignor-__leader", 1, durable(settings) | _INTAKE),
    ]


async def ensure_topics(settings: Settings) -> None:
    """Make the topics that are missing and check the partition count of those that are there.

    Returns when the broker shows all of them with all their partitions.

    Raises
    ------
    BrokerError
        If the broker cannot be reached, refuses to make a topic, or does not show one in time.
    GridstressError
        If a topic has another number of partitions than the settings say.
    """
    from gridstress.kafka.probe import cluster_id

    await cluster_id(settings.kafka)  # a clear error if no broker answers
    async with admin_client(settings.kafka, "the topics could not be made") as admin:
        await _ensure(admin, topic_specs(settings), settings.replication)


async def missing_topics(settings: Settings) -> list[str]:
    """Names of the topics that are not there, sorted; BrokerError if the broker does not say."""
    async with admin_client(settings.kafka, "the broker does not name its topics") as admin:
        there = set(await admin.list_topics())
    return sorted({spec.name for spec in topic_specs(settings)} - there)


async def _ensure(admin: "AIOKafkaAdminClient", specs: list[TopicSpec], replication: int) -> None:
    from aiokafka.admin import NewTopic

    existing = set(await admin.list_topics())
    missing = [
        NewTopic(spec.name, spec.partitions, replication, topic_configs=dict(spec.config))
        for spec in specs
        if spec.name not in existing
    ]
    if missing:
        answer = await admin.create_topics(missing)
        _check_created(answer.topic_errors)
    any_count = {spec.name for spec in specs if spec.any_count and spec.name in existing}
    wanted = {spec.name: spec.partitions for spec in specs if spec.name not in any_count}
    deadline = time.monotonic() + VISIBLE_S
    while True:
        found = await _partitions(admin, wanted)
        for name, count in wanted.items():
            led = found.get(name, [])
            if name in existing and led and len(led) != count:
                raise GridstressError(
                    f"{name} has {len(led)} partitions, not {count} (GRIDSTRESS_PARTITIONS)",
                    hint=f"set it to {len(led)}, or give all topics {count}: "
                    f"gridstress reshard {count}",
                )
        unseen = sorted(n for n, count in wanted.items() if sum(found.get(n, [])) != count)
        if not unseen:
            return
        if time.monotonic() > deadline:
            raise BrokerError(f"topics without all their partitions: {unseen}")
        await asyncio.sleep(0.1)


async def _partitions(
    admin: "AIOKafkaAdminClient", names: Collection[str]
) -> dict[str, list[bool]]:
    """For each of the topics that is there, whether each partition has a leader."""
    return {
        topic["topic"]: [p["error_code"] == 0 for p in topic["partitions"]]
        for topic in await admin.describe_topics(list(names))
        if topic["error_code"] == 0
    }


def _check_created(errors: list[Any]) -> None:
    already_exists = 36  # another process was faster
    for name, code, message in errors:
        if code not in (0, already_exists):
            raise BrokerError(f"the broker did not make topic {name}: error {code} {message or ''}")
