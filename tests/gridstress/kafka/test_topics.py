import pytest
from aiokafka.admin import AIOKafkaAdminClient

from gridstress.kafka.topics import MEASUREMENTS, ensure_topics, topic_specs
from gridstress.local import processes
from gridstress.settings import load_settings
from topology.errors import BrokerError, GridstressError

pytestmark = [pytest.mark.integration, pytest.mark.kafka_too]


async def test_missing_topics_are_made_and_those_that_are_there_are_left_alone(broker: str) -> None:
    settings = load_settings(broker=f"kafka://{broker}")
    await ensure_topics(settings)
    await ensure_topics(settings)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        found = await admin.describe_topics([spec.name for spec in topic_specs(settings)])
    finally:
        await admin.close()
    counts = {topic["topic"]: len(topic["partitions"]) for topic in found}
    assert counts == {spec.name: spec.partitions for spec in topic_specs(settings)}
    assert counts["gridstress-risk_linear-changelog"] == settings.partitions


async def test_another_partition_count_is_reported_in_one_line(broker: str) -> None:
    await ensure_topics(load_settings(broker=f"kafka://{broker}"))
    with pytest.raises(GridstressError, match=f"{MEASUREMENTS} has 4 partitions, not 5") as caught:
        await ensure_topics(load_settings(broker=f"kafka://{broker}", partitions=5))
    assert caught.value.hint.endswith("gridstress reshard 5")


async def test_nobody_there_is_a_broker_error() -> None:
    unreachable = f"kafka://127.0.0.1:{processes.free_port()}"
    with pytest.raises(BrokerError):
        await ensure_topics(load_settings(broker=unreachable))
