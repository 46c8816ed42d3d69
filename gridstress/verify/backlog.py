"""The lag of the workers' consumer group."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from gridstress.kafka.topic_reader import partition_count, scan_topic
from gridstress.kafka.topics import MEASUREMENTS, STRESS, propagated
from gridstress.kafka_connection import connection
from gridstress.settings import Settings
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
            begin[name] = await committed(settings, name)
    for name, offsets in begin.items():
        async with aclosing(scan_topic(settings.kafka, name, begin=offsets)) as records:
            async for record in records:
                yield record


async def committed(settings: Settings, topic: str) -> dict[int, int]:
    """The group's offsets by partition; a consumer that only asks joins no group.

    Raises
    ------
    BrokerError
        If the broker does not answer.
    DataError
        If there is no such topic.
    """
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


class CatchUp:
    """Whether the group has finished what lay before its stages, while more may come.

    The ends of each topic are noted when the topics before it are worked off: what a stage had made
    of the records that it had finished lies in the next topic by then.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._steps = [[MEASUREMENTS], [STRESS], [*map(propagated, settings.model_names)]]
        self._ends: dict[str, dict[int, int]] | None = None

    async def is_done(self) -> bool:
        """Look how far the group has come; errors as `unfinished`."""
        while self._steps:
            if self._ends is None:
                self._ends = await self._note_ends(self._steps[0])
            for topic, ends in self._ends.items():
                finished = await committed(self._settings, topic)
                if any(finished.get(partition, 0) < end for partition, end in ends.items()):
                    return False
            self._steps.pop(0)
            self._ends = None
        return True

    async def _note_ends(self, names: Iterable[str]) -> dict[str, dict[int, int]]:
        """Where the unfinished records of each topic end, by partition."""
        ends: defaultdict[str, dict[int, int]] = defaultdict(dict)
        async with aclosing(unfinished(self._settings, names)) as records:
            async for record in records:
                ends[record.topic][record.partition] = record.offset + 1
        return ends
