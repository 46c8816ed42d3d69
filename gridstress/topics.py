"""The topics of gridstress, and making them as they should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridstress.settings import Settings
from topology.errors import BrokerError, GridstressError
from topology.influence import MODELS

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

MEASUREMENTS = "grid_measurements"
STRESS = "stress_events"
DEAD_LETTERS = "dead_letters"
VIEW = "grid_view"

MAX_RECORD_BYTES = 2 << 20
"""Size of the largest record we write. What comes in is half of that (Kafka's default), so that
anything unreadable still fits into ``dead_letters``, beside its headers."""

_COMPACTED = {"cleanup.policy": "compact"}
_ROOMY = {"max.message.bytes": str(MAX_RECORD_BYTES)}


def propagated(model: str) -> str:
    """Name of a model's topic of propagated stress."""
    return f"propagated_stress_{model}"


def windows(model: str) -> str:
    """Name of a model's topic of final windows."""
    return f"risk_windows_{model}"


def alerts(model: str) -> str:
    """Name of a model's topic of alerts."""
    return f"risk_alerts_{model}"


@dataclass(frozen=True)
class TopicSpec:
    """A topic's name and its own settings."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)


def topic_specs() -> list[TopicSpec]:
    """Every topic but Faust's own changelogs."""
    written = [STRESS, DEAD_LETTERS]
    for model in MODELS:
        written += [propagated(model), windows(model), alerts(model)]
    return [
        TopicSpec(MEASUREMENTS),
        *(TopicSpec(name, _ROOMY) for name in written),
        TopicSpec(VIEW, {**_COMPACTED, **_ROOMY}),
    ]


async def ensure_topics(settings: Settings) -> None:
    """Make the topics that are missing and check the partition count of those that are there.

    Raises
    ------
    BrokerError
        If the broker cannot be reached or refuses to make a topic.
    GridstressError
        If a topic has another number of partitions than the settings say.
    """
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    from gridstress.brokers import cluster_id

    await cluster_id(settings.bootstrap)  # a clear error if nobody answers
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        await _ensure(admin, settings)
    except KafkaError as error:
        raise BrokerError(f"the topics could not be made: {error}") from error
    finally:
        await admin.close()


async def _ensure(admin: "AIOKafkaAdminClient", settings: Settings) -> None:
    from aiokafka.admin import NewTopic

    specs = topic_specs()
    existing = set(await admin.list_topics())
    missing = [
        NewTopic(
            spec.name, settings.partitions, settings.replication, topic_configs=dict(spec.config)
        )
        for spec in specs
        if spec.name not in existing
    ]
    if missing:
        answer = await admin.create_topics(missing)
        _check_created(answer.topic_errors)
    found = await admin.describe_topics([s.name for s in specs if s.name in existing])
    wrong = {t["topic"]: len(t["partitions"]) for t in found}
    wrong = {name: count for name, count in wrong.items() if count != settings.partitions}
    if wrong:
        raise GridstressError(
            f"topics with another partition count than {settings.partitions}: {wrong}",
            hint="Set GRIDSTRESS_PARTITIONS to what they have, or use another cluster: state does "
            "not move between partitions.",
        )


def _check_created(errors: list[Any]) -> None:
    already_exists = 36  # somebody else was faster
    for name, code, message in errors:
        if code not in (0, already_exists):
            raise BrokerError(f"the broker did not make topic {name}: error {code} {message or ''}")
