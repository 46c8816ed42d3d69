"""Read the records of runs from the topic ``runs``."""

import logging

from aiokafka import ConsumerRecord

from gridstress.kafka.topic_reader import scan_topic
from gridstress.kafka.topics import RUNS
from gridstress.kafka_connection import Where
from topology.errors import DataError, MessageError
from topology.run_messages import RunRecord, decode_run_record

log = logging.getLogger(__name__)


async def read_records(where: Where) -> dict[str, RunRecord]:
    """Read the newest record of each run, by run; none where there is no such topic.

    What is not a record is logged and passed over.

    Raises
    ------
    BrokerError
        If no broker answers.
    """
    newest: dict[str, tuple[int, RunRecord | None]] = {}
    try:
        async for found in scan_topic(where, RUNS):
            _take(found, newest)
    except DataError:  # a broker that only an older gridstress has used
        return {}
    return {run: record for run, (_, record) in newest.items() if record is not None}


def _take(found: ConsumerRecord, newest: dict[str, tuple[int, RunRecord | None]]) -> None:
    try:
        run, record = decode_run_record(found.key, found.value)
    except MessageError as error:
        log.warning("passed over %s/%s@%s: %s", RUNS, found.partition, found.offset, error)
        return
    # A run's key may lie in several partitions if their number has been changed by hand.
    if run not in newest or newest[run][0] <= found.timestamp:
        newest[run] = (found.timestamp, record)
