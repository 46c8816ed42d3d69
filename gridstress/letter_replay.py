"""Send dead letters back to where they came from."""

from collections import Counter
from collections.abc import Iterable

from gridstress import topics
from gridstress.brokers import is_embedded
from gridstress.kafka_security import connection
from gridstress.letters import Letter
from gridstress.settings import Settings
from topology.errors import BrokerError


async def send_back(settings: Settings, letters: Iterable[Letter]) -> Counter[str]:
    """Send each letter's record, byte for byte, to its own topic and partition, one by one.

    Returns
    -------
    Counter
        How many records each topic has acknowledged.

    Raises
    ------
    BrokerError
        If the broker does not take one; those before it have been taken.
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    kind = settings.known_kind
    embedded = await is_embedded(settings.kafka) if kind == "auto" else kind == "embedded"
    sent: Counter[str] = Counter()
    producer = AIOKafkaProducer(
        **connection(settings.kafka),
        acks="all",
        enable_idempotence=not embedded,
        max_request_size=topics.MAX_RECORD_BYTES,
    )
    try:
        await producer.start()
        for letter in letters:
            await producer.send_and_wait(
                letter.topic, letter.value, key=letter.key, partition=letter.origin_partition
            )
            sent[letter.topic] += 1
    except (KafkaError, OSError, AssertionError) as error:
        raise BrokerError(
            f"the broker did not take a record, after {sent.total()} that it took: {error!r}",
            hint="it can be repeated: what has been counted is not counted again",
        ) from None
    finally:
        await producer.stop()
    return sent
