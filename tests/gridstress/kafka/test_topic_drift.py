"""Settings of topics on Apache Kafka: made as wanted, found when otherwise, set again."""

import logging

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner

from gridstress.admin import doctor
from gridstress.cli import app
from gridstress.kafka.topic_configs import Difference
from gridstress.kafka.topic_drift import commands, drift, set_as_wanted, table, warn_of_losses
from gridstress.kafka.topics import MEASUREMENTS, VIEW, changelog, ensure_topics, topic_specs
from gridstress.settings import Settings, load_settings

pytestmark = pytest.mark.kafka

CHANGELOG = changelog("gridstress", "linear")


def settings(broker: str, **changes: object) -> Settings:
    return load_settings(broker=f"kafka://{broker}", **changes)


async def made_anew(broker: str, wanted: Settings, *otherwise: str) -> None:
    """Make all topics anew, some of them as the broker would by itself, with one setting of an
    operator's own."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        there = set(await admin.list_topics()) & {s.name for s in topic_specs(wanted)}
        await admin.delete_topics(sorted(there))
        while there & set(await admin.list_topics()):
            pass
        own = {"segment.jitter.ms": "1234"}
        await admin.create_topics([NewTopic(n, 4, 1, topic_configs=own) for n in otherwise])
    finally:
        await admin.close()
    await ensure_topics(wanted)


async def made_otherwise(broker: str) -> None:
    await made_anew(broker, settings(broker), VIEW, CHANGELOG)


async def test_topics_are_made_as_wanted(broker: str) -> None:
    wanted = settings(broker, retention_days=3)
    await made_anew(broker, wanted)
    assert await drift(wanted) == []
    found = await drift(settings(broker, retention_days=4))
    assert Difference(MEASUREMENTS, "retention.ms", "259200000", "345600000") in found
    assert {d.key for d in found} == {"retention.ms"}


async def test_a_topic_of_one_copy_is_not_asked_for_two_in_sync(broker: str) -> None:
    await made_anew(broker, settings(broker))
    assert await drift(settings(broker, replication=3)) == []


async def test_what_is_otherwise_is_found_and_set_and_all_else_stays(broker: str) -> None:
    await made_otherwise(broker)
    found = await drift(settings(broker))
    assert Difference(VIEW, "cleanup.policy", "delete", "compact") in found
    assert {d.topic for d in found} == {VIEW, CHANGELOG}
    assert f"{VIEW}  " in table(found)
    (command,) = [c for c in commands(settings(broker), found) if f"--entity-name {VIEW} " in c]
    assert "cleanup.policy=compact" in command
    await set_as_wanted(settings(broker), found)
    assert await drift(settings(broker)) == []
    own = Difference(VIEW, "segment.jitter.ms", "1234", "1234")
    assert await own_setting(broker, VIEW, own.key) == "1234"


async def own_setting(broker: str, topic: str, key: str) -> str:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}[key]


async def test_a_worker_warns_of_what_loses_data_and_of_nothing_else(
    broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    await made_otherwise(broker)
    with caplog.at_level(logging.WARNING, "gridstress"):
        await warn_of_losses(settings(broker))
    lines = [record.getMessage() for record in caplog.records]
    assert any(f"{CHANGELOG} has cleanup.policy=delete, not compact" in line for line in lines)
    assert not any("segment.bytes" in line for line in lines)


def test_the_doctor_shows_a_table_and_sets_what_is_otherwise(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    asyncio.run(made_otherwise(broker))
    finding = doctor.topic_settings(settings(broker))
    assert not finding.ok
    assert "should have" in finding.detail
    assert "--fix-topics" in finding.hint
    assert f"--entity-name {VIEW} --add-config" in finding.hint
    monkeypatch.setenv("GRIDSTRESS_BROKER", f"kafka://{broker}")
    done = CliRunner().invoke(app, ["doctor", "--fix-topics"])
    assert f"set: {VIEW} cleanup.policy=compact" in done.output
    assert "topic settings: as they should be" in done.output
    assert doctor.topic_settings(settings(broker)).ok
