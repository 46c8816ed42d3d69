"""Work-around for the embedded broker: where a partition's log really ends.

Tansu 0.6 answers ``ListOffsets(latest)`` with the base offset of the *last batch* + 1, which is
too low whenever that batch holds more than one record. Faust takes the end of every changelog
from there, so each table recovery would quietly leave the newest records out. The high-watermark
in a fetch response is right, and is asked instead. On Apache Kafka nothing here is used.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import aiokafka
from faust.transport.drivers import aiokafka as driver

from topology.errors import BrokerError

ANSWER_TIMEOUT_S = 30.0
"""Longest wait for the log ends; on one machine they take milliseconds."""

_POLL_MS = 100


async def log_ends(
    bootstrap: str | list[str],
    ends: Mapping[Any, int | None],
    *,
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> dict[Any, int]:
    """Correct log ends that the embedded broker gave.

    Parameters
    ----------
    bootstrap
        ``host:port``, or a list of such.
    ends
        Log end of each partition as the broker told it, at most one batch too low. Keys have
        `topic` and `partition`.
    timeout_s
        Longest wait, s.

    Returns
    -------
    dict
        The same keys; the offset that the next record of each partition will get.

    Raises
    ------
    BrokerError
        If a partition does not answer in time. A wrong end would lose records without a trace.
    """
    corrected = {tp: end or 0 for tp, end in ends.items()}
    # A log that is said to be empty is empty: the answer is too low within the last batch only.
    left = {aiokafka.TopicPartition(*tp): tp for tp, end in corrected.items() if end}
    if not left:
        return corrected
    probe = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await probe.start()
    try:
        probe.assign(list(left))
        for partition, tp in left.items():
            probe.seek(partition, corrected[tp] - 1)
        deadline = time.monotonic() + timeout_s
        while left:
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"the broker did not tell the log end of {_names(left)} within {timeout_s:g} s",
                    hint="see whether the embedded broker still runs",
                )
            await probe.getmany(timeout_ms=_POLL_MS)
            for partition in list(left):
                end = probe.highwater(partition)
                if end is not None:
                    tp = left.pop(partition)
                    corrected[tp] = max(corrected[tp], end)
                    probe.pause(partition)
    finally:
        await probe.stop()
    return corrected


def _names(partitions: Iterable[Any]) -> str:
    return ", ".join(sorted(f"{tp.topic}/{tp.partition}" for tp in partitions))


class TrueLogEndsThread(driver.AIOKafkaConsumerThread):
    """Consumer thread of Faust that knows where a log ends, on the embedded broker too.

    Its transport has an ``async is_embedded()``, see `gridstress.delivery.SafeTransport`.
    """

    async def _highwaters(self, partitions: Any) -> Any:
        ends = await super()._highwaters(partitions)
        transport: Any = self.transport
        if not await transport.is_embedded():
            return ends
        servers = driver.server_list(transport.url, transport.default_port)
        return await log_ends(servers, ends)
