"""The app's topics, made so that the broker says when it took a result."""

import asyncio

from gridstress.settings import Settings
from gridstress.topics import MEASUREMENTS, ensure_topics, topic_specs

BROKER_CLOCK = {"message.timestamp.type": "LogAppendTime"}
"""What a stage writes gets the time at which it stands in the log. Measurements keep that of
their producer: that is when the latency begins. The embedded broker takes no notice of it."""


def make_topics(settings: Settings) -> None:
    """Make every topic; returns when the broker shows them all.

    Raises
    ------
    BrokerError
        As `gridstress.topics.ensure_topics`.
    """
    asyncio.run(_make(settings))


async def _make(settings: Settings) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(
                    spec.name,
                    spec.partitions,
                    settings.replication,
                    topic_configs={
                        **spec.config,
                        **({} if spec.name == MEASUREMENTS else BROKER_CLOCK),
                    },
                )
                for spec in topic_specs(settings)
            ]
        )
    finally:
        await admin.close()
    await ensure_topics(settings)
