"""What the group of the workers has not read yet."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from gridstress import topics
from gridstress.kafka_security import connection
from gridstress.settings import Settings
from gridstress.topic_reader import partition_count, scan_topic
from topology.errors import BrokerError, DataError


async def unfinished(
    settings: Settings, names: Iterable[str]
) -> AsyncGenerator[ConsumerRecord, None]:
    """Yield the records of some topics, as far as they exist, that the group has not finished.

    Raises
    ------
    BrokerError
        If the broker does not answer.
    """
    begin: dict[str, dict[int, int]] = {}
    for name in names:
        with suppress(DataError):  # no such topic
            begin[name] = await _committed(settings, name)
    for name, offsets in begin.items():
        async with aclosing(scan_topic(settings.kafka, name, begin=offsets)) as records:
            async for record in records:
                yield record


async def _committed(settings: Settings, topic: str) -> dict[int, int]:
    """The group's offsets by partition; a consumer that only asks joins no group."""
    partitions = range(await partition_count(settings.kafka, topic))
    consumer = AIOKafkaConsumer(
        **connection(settings.kafka), group_id=settings.group, enable_auto_commit=False
    )
    try:
        await consumer.start()
        found = {p: await consumer.committed(TopicPartition(topic, p)) for p in partitions}
    except (KafkaError, OSError) as error:
        raise BrokerError(f"the broker does not say where the group is: {error!r}") from error
    finally:
        await consumer.stop()
    return {partition: offset for partition, offset in found.items() if offset is not None}


async def nothing_left(settings: Settings) -> bool:
    """Whether the group has finished everything that the stages read; errors as `unfinished`.

    The offsets are asked for before the topics are read: what a stage had made of the records
    that it had finished lies in the next topic by then.
    """
    async with aclosing(unfinished(settings, topics.sources(settings.model_names))) as records:
        async for _ in records:
            return False
    return True
