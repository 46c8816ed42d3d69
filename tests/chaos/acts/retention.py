"""Retention passes the place where the group goes on: what is lost must be named."""

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from gridstress.faust_fixes.headers import known_headers
from gridstress.kafka.topic_reader import read_topic
from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS
from gridstress.settings import load_settings
from gridstress.verify.backlog import committed
from tests.chaos.acts.scene import RECOVERY_S, Facts, Scene
from tests.chaos.cluster import Cluster
from tests.chaos.schedule import Act
from tests.chaos.short_runs import PARTITIONS
from tests.chaos.worker import Hung, until
from topology.codec import decode
from topology.errors import MessageError
from topology.messages import MeasurementFrame

Span = tuple[int, int]
"""First offset, and the one behind the last."""


async def retention(scene: Scene, act: Act) -> Facts:
    """Delete measurements that no worker has read while all are down; see them named.

    Leaves a file with what remains of the run, for it to be verified by.

    Raises
    ------
    Hung
        If there is nothing unread to be deleted, or the loss is not named.
    """
    cluster, run = scene.cluster, scene.sending.run
    workers = cluster.wanted
    orderly = all(await asyncio.gather(*(worker.stop() for worker in workers)))
    scene.sending.hurry()
    await scene.sending.task
    partition = act.seed % PARTITIONS
    records = await read_topic(cluster.bootstrap, MEASUREMENTS)
    lost = await _unread(cluster, records, partition, act.count)
    await _delete_before(cluster, partition, lost[1])
    await asyncio.gather(*(worker.start() for worker in workers))
    await cluster.settle()

    def reported() -> list[int]:
        place = {"topic": MEASUREMENTS, "partition": partition, "first": lost[0], "upto": lost[1]}
        return [w.slot for w in workers if place in w.health.get("lost_records", [])]

    async def named() -> bool:
        return bool(reported()) and lost in await _named(cluster, partition)

    place = f"{MEASUREMENTS} {partition}/{lost[0]} to before {lost[1]}"
    named_s = await until(named, f"a dead letter and a worker's health name {place}", RECOVERY_S)
    left = [r for r in records if r.partition != partition or r.offset not in range(*lost)]
    scene.remains[run] = cluster.home / f"{run}.remains.jsonl"
    scene.remains[run].write_bytes(b"".join(line_of(record, run) for record in left))
    return {
        "orderly": orderly,
        "lost": place,
        "lost_records": act.count,
        "named_s": round(named_s, 1),
        "in_health_of": reported(),
    }


async def _unread(
    cluster: Cluster, records: Sequence[ConsumerRecord], partition: int, count: int
) -> Span:
    """So many of the records that the group has not committed, the first of them."""
    settings = load_settings(broker=f"kafka://{cluster.bootstrap}")
    first = (await committed(settings, MEASUREMENTS)).get(partition, 0)
    unread = [r.offset for r in records if r.partition == partition and r.offset >= first]
    if len(unread) <= count:
        raise Hung(f"the group has read all but {len(unread)} records of partition {partition}")
    return first, unread[count]


async def _delete_before(cluster: Cluster, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(MEASUREMENTS, partition): RecordsToDelete(offset)}
        )
    finally:
        await admin.close()


async def _named(cluster: Cluster, partition: int) -> list[Span]:
    """What dead letters say is lost of a partition of ``grid_measurements``."""
    dead_letters = [
        known_headers(r.headers) for r in await read_topic(cluster.bootstrap, DEAD_LETTERS)
    ]
    return [
        (int(dead_letter["offset"]), int(dead_letter["upto"]))
        for dead_letter in dead_letters
        if dead_letter.get("reason") == b"lost"
        and (dead_letter["topic"], dead_letter["partition"])
        == (MEASUREMENTS.encode(), b"%d" % partition)
    ]


def line_of(record: ConsumerRecord, run: str) -> bytes:
    """The record as a line of a file, empty if it is none of the run."""
    try:
        frame = decode(record.value, MeasurementFrame)
    except MessageError:
        return b""
    return bytes(record.value) + b"\n" if frame.run == run else b""
