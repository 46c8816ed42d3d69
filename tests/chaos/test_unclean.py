"""An unclean election loses what was acknowledged: `gridstress verify` must name it."""

from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from gridstress.kafka.topic_reader import log_ends
from gridstress.kafka.topics import MEASUREMENTS, topic_specs
from gridstress.settings import load_settings
from tests.chaos.broker import Broker
from tests.chaos.cluster import Cluster
from tests.chaos.judging import judge
from tests.chaos.sending import Sending
from tests.chaos.worker import until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.explore(only=True),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("quick_kafka"),
]

PARTITION = 0
LOAD = ["--start", "2025-01-07", "--until", "2025-01-14"]


async def test_what_an_unclean_election_loses_is_named_and_the_next_run_is_whole(
    tmp_path: Path,
) -> None:
    two_copies = {"GRIDSTRESS_REPLICATION": "2"}
    async with Cluster(tmp_path / "cluster", two_copies, size=3) as cluster:
        await cluster.resize(2)
        await _allow_unclean(cluster)
        leader, follower = await _copies(cluster)
        await follower.kill()
        await _in_sync(cluster, [leader.number])
        await Sending(cluster, "lost", LOAD).task
        sound = await judge(cluster, "lost")
        assert sound.problems == []
        had = await log_ends(cluster.bootstrap, MEASUREMENTS)
        await leader.kill()
        await follower.start()
        await _led_by(cluster, follower.number)
        await leader.start()
        await _in_sync(cluster, sorted([leader.number, follower.number]))
        await cluster.settle()
        left = await log_ends(cluster.bootstrap, MEASUREMENTS)
        assert left[PARTITION] < had[PARTITION]
        lossy = await judge(cluster, "lost")
        missing = [problem for problem in lossy.problems if "were sent, 0 up to" in problem]
        assert len(missing) == sum(left[p] < had[p] for p in had), lossy.problems
        logs = [log.read_text("utf-8") for log in cluster.home.glob("worker-*.log")]
        assert any("the broker has lost records that it had acknowledged" in log for log in logs)
        await Sending(cluster, "next", LOAD).task
        assert (await judge(cluster, "next")).problems == []


async def _allow_unclean(cluster: Cluster) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        # It replaces all settings of the topic.
        settings = load_settings(broker=f"kafka://{cluster.bootstrap}", replication=2)
        (spec,) = [spec for spec in topic_specs(settings) if spec.name == MEASUREMENTS]
        configs = {**spec.config, "unclean.leader.election.enable": "true"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, MEASUREMENTS, configs)])
    finally:
        await admin.close()


async def _copies(cluster: Cluster) -> tuple[Broker, Broker]:
    """The brokers that have the partition: the one that leads it, and the other."""
    found = (await cluster.partitions(MEASUREMENTS))[PARTITION]
    (other,) = set(found.copies) - {found.leader}
    by_number = {broker.number: broker for broker in cluster.brokers}
    return by_number[found.leader], by_number[other]


async def _in_sync(cluster: Cluster, numbers: list[int]) -> None:
    async def there() -> bool:
        found = (await cluster.partitions(MEASUREMENTS))[PARTITION]
        return sorted(found.in_sync) == numbers

    await until(there, f"brokers {numbers} alone have all of the partition", 120)


async def _led_by(cluster: Cluster, number: int) -> None:
    async def leads() -> bool:
        return (await cluster.partitions(MEASUREMENTS))[PARTITION].leader == number

    await until(leads, f"broker {number} leads the partition", 120)
