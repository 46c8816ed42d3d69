"""Send the records of dead letters to their topics again."""

from collections import Counter
from collections.abc import Iterable

from gridstress.admin.dead_letters import DeadLetter
from gridstress.kafka.acknowledged_producer import AcknowledgedProducer
from gridstress.kafka.topics import MAX_RECORD_BYTES
from gridstress.settings import Settings
from topology.errors import BrokerError


async def redeliver(settings: Settings, dead_letters: Iterable[DeadLetter]) -> Counter[str]:
    """Send each dead letter's record, byte for byte, to its own topic and partition, one by one.

    Returns
    -------
    Counter
        How many records each topic has acknowledged.

    Raises
    ------
    BrokerError
        If the broker does not take one, or acknowledges none for a minute; those before it have
        been taken.
    """
    from aiokafka.errors import KafkaError

    sent: Counter[str] = Counter()
    try:
        async with AcknowledgedProducer(settings, max_bytes=MAX_RECORD_BYTES) as producer:
            for dead_letter in dead_letters:
                await producer.wait(
                    await producer.send(
                        dead_letter.topic,
                        dead_letter.value,
                        key=dead_letter.key,
                        partition=dead_letter.origin_partition,
                    )
                )
                sent[dead_letter.topic] += 1
    except (KafkaError, OSError, AssertionError) as error:
        raise BrokerError(
            f"the broker did not take a record, after {sent.total()} that it took: {error!r}",
            hint="it can be repeated: what has been counted is not counted again",
        ) from None
    return sent
