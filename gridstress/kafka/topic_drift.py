"""Compare the configuration of existing topics with the wanted one, and correct it."""

import asyncio
import logging
import time
from collections.abc import Collection
from itertools import groupby
from typing import TYPE_CHECKING

from gridstress.kafka.clients import admin_client
from gridstress.kafka.probe import is_embedded
from gridstress.kafka.topic_configs import Difference, differences, in_sync
from gridstress.kafka.topics import VISIBLE_S, topic_specs
from gridstress.settings import Settings
from topology.errors import BrokerError

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

logger = logging.getLogger(__name__)

_FAILED = "the broker does not describe its topics"
_SET_ON_TOPIC = 1
"""Where a setting comes from, in the protocol: it was set on the topic itself."""


async def drift(settings: Settings) -> list[Difference]:
    """What is otherwise than it should be, by topic; nothing on the embedded broker.

    The embedded broker keeps no settings of topics. Topics that are missing are no difference.

    Raises
    ------
    BrokerError
        If the broker does not say what its topics are set to.
    """
    if await is_embedded(settings.kafka):
        return []
    async with admin_client(settings.kafka, _FAILED) as admin:
        specs = {spec.name: spec.config for spec in topic_specs(settings)}
        there = sorted(specs.keys() & set(await admin.list_topics()))
        found = await _configs(admin, there)
        wanted = {
            topic: {**specs[topic], **in_sync(copies)}
            for topic, copies in (await _copies(admin, there)).items()
        }
    return sorted(
        difference
        for topic, entries in found.items()
        for difference in differences(
            topic, wanted.get(topic, {}), {key: value for key, (value, _) in entries.items()}
        )
    )


async def set_as_wanted(settings: Settings, found: Collection[Difference]) -> None:
    """Set what differs, and wait until the broker shows it; all else that was set stays.

    Raises
    ------
    BrokerError
        If the broker refuses, naming the topic and its reason, or does not show it in time.
    """
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    by_topic = {topic: list(items) for topic, items in _by_topic(found)}
    async with admin_client(settings.kafka, "the topics' settings could not be changed") as admin:
        # The request replaces all that is set on a topic, so what is set must be in it.
        now = await _configs(admin, sorted(by_topic))
        asked = []
        for topic, items in by_topic.items():
            own = {key: value for key, (value, is_own) in now[topic].items() if is_own}
            configs = own | {item.key: item.wanted for item in items}
            asked.append(ConfigResource(ConfigResourceType.TOPIC, topic, configs))
        for answer in await admin.alter_configs(asked):
            for code, message, _, topic, *_ in answer.resources:
                if code:
                    raise BrokerError(f"{topic} could not be changed: error {code} {message or ''}")
    deadline = time.monotonic() + VISIBLE_S
    while left := set(found) & set(await drift(settings)):
        if time.monotonic() > deadline:
            raise BrokerError(f"not changed after {VISIBLE_S:.0f} s: {min(left)}")
        await asyncio.sleep(0.1)


async def warn_of_losses(settings: Settings) -> None:
    """Log a warning for every topic that is set so that records can be lost or refused."""
    try:
        found = await drift(settings)
    except BrokerError as error:
        logger.warning("cannot tell whether the topics keep what they should: %s", error)
        return
    for difference in found:
        if difference.loses_data:
            text = "%s: records can be lost; see `gridstress doctor`"
            logger.warning(text, difference, extra={"topic": difference.topic})


def commands(settings: Settings, found: Collection[Difference]) -> list[str]:
    """Kafka's own commands that set what differs, one a topic."""
    return [
        f"kafka-configs.sh --bootstrap-server {settings.bootstrap} --alter --entity-type topics "
        f"--entity-name {topic} --add-config {','.join(map(_assigned, items))}"
        for topic, items in _by_topic(found)
    ]


def _assigned(difference: Difference) -> str:
    wanted = difference.wanted
    return f"{difference.key}={f'[{wanted}]' if ',' in wanted else wanted}"


def table(found: Collection[Difference]) -> str:
    """The differences as a table: topic, setting, what it has, what it should have."""
    rows = [("topic", "setting", "has", "should have", "")]
    rows += [
        (d.topic, d.key, d.has, d.wanted, "can lose data" if d.loses_data else "") for d in found
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4])).rstrip()
        for row in rows
    )


def _by_topic(found: Collection[Difference]) -> list[tuple[str, list[Difference]]]:
    return [(name, list(items)) for name, items in groupby(sorted(found), key=lambda d: d.topic)]


async def _copies(admin: "AIOKafkaAdminClient", topics: Collection[str]) -> dict[str, int]:
    """By topic, how many copies it has, whatever the settings say."""
    return {
        found["topic"]: min((len(p["replicas"]) for p in found["partitions"]), default=0)
        for found in (await admin.describe_topics(list(topics)) if topics else ())
        if found["error_code"] == 0
    }


async def _configs(
    admin: "AIOKafkaAdminClient", topics: Collection[str]
) -> dict[str, dict[str, tuple[str, bool]]]:
    """By topic and setting its value, and whether it was set on the topic itself."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for answer in await admin.describe_configs(asked) if asked else ():
        for code, message, _, topic, entries in answer.resources:
            if code:
                raise BrokerError(f"{topic}: its settings cannot be read: {message or code}")
            found[topic] = {
                key: (value, source == _SET_ON_TOPIC)
                for key, value, _, source, *_ in entries
                if value is not None
            }
    return found
