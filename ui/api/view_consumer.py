"""Follow the topics that the views are made of, whichever worker wrote them.

A plain consumer without a group: it reads every partition in every process that has views, does not
take part in rebalances and commits nothing.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from tables.view_epoch import ViewEpoch
from topology.errors import BrokerError, MessageError
from topology.messages import Name
from topology.run_messages import RunRecord, decode_run_record
from ui.api.broker_clock import appended_at
from ui.api.record_check import LAST_S
from ui.api.view_store import Store

log = logging.getLogger(__name__)

POLL_MS = 500
FETCH_MS = 200
"""How long a broker lets records come together, so that a busy grid is not read record by record:
what the views show is that much older at most."""
TOGETHER_BYTES = 1 << 20
MAX_RECORDS = 500
FETCH_BYTES = 8 << 20
RETRY_S = 2.0
WINDOWS_BACK = 1_000
"""Final windows a shard and model that a starting worker reads, for histories and comparison."""

LOADS_BACK = 200
"""Frames of loads a partition that it reads then."""

Apply = Callable[[ConsumerRecord], None]


@dataclass(frozen=True)
class RunTopics:
    """The topics of which views are made, beside those that every worker follows.

    Parameters
    ----------
    audit
        The compacted topic on which the auditor tells how far it is with each run.
    replays
        The compacted topic, of one partition, on which replays tell how they are.
    measurements
        The topic of loads.
    runs, run_partitions
        The compacted topic of the runs' records, keyed by run; and how many partitions it has.
    alerts, windows
        Topic names and the model whose they are.
    learn
        Called with every record of a run.
    """

    audit: str
    replays: str
    measurements: str
    runs: str
    run_partitions: Callable[[], Awaitable[int]]
    alerts: Mapping[str, str]
    windows: Mapping[str, str]
    learn: Callable[[RunRecord], None] = lambda record: None


class ViewConsumer(Service):
    """Keeps a store up to date from Kafka.

    Parameters
    ----------
    connection
        Keyword arguments with which an aiokafka client connects.
    store
        What is kept up to date.
    partitions
        How many each of the topics has.
    view_topic
        The compacted topic of shard views, keyed by JSON ``[model, run, shard]``.
    status_topic
        The compacted topic on which workers tell how they are.
    run_topics
        The other topics; None if only those two are followed.
    admitted
        Waits until the topics may be read; None if they may at once.

    Attributes
    ----------
    taken
        How many records have been read.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        store: Store,
        partitions: int,
        view_topic: str,
        status_topic: str,
        run_topics: RunTopics | None,
        admitted: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()
        self._connection = dict(connection)
        self._store = store
        self._partitions = partitions
        self._apply: dict[str, Apply] = {view_topic: self._view, status_topic: self._status}
        self._run_topics, self._admitted = run_topics, admitted
        self._window_topics: Mapping[str, str] = {}
        if run_topics is not None:
            self._window_topics, self._learn = run_topics.windows, run_topics.learn
            self._apply |= {
                run_topics.audit: self._audit,
                run_topics.replays: self._replay,
                run_topics.measurements: self._measurements,
                run_topics.runs: self._run,
            }
            self._apply |= dict.fromkeys(run_topics.alerts, self._alert)
            self._apply |= dict.fromkeys(run_topics.windows, self._window)
        self._consumer: AIOKafkaConsumer | None = None
        self._behind: set[TopicPartition] | None = None
        self.taken = 0

    @property
    def caught_up(self) -> bool:
        """Whether every partition has been read to an end that it had since this began."""
        return self._behind is not None and not self._behind

    async def positions(self) -> dict[TopicPartition, int]:
        """By partition, the offset of the next record; empty before it reads.

        It waits while a partition has none, as after its log was cut.
        """
        consumer = self._consumer
        if consumer is None:
            return {}
        return {tp: await consumer.position(tp) for tp in consumer.assignment()}

    @Service.task
    async def _follow(self) -> None:
        if self._admitted is not None:
            await self._admitted()
        while not self.should_stop:
            consumer = AIOKafkaConsumer(
                **self._connection,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                fetch_min_bytes=TOGETHER_BYTES,
                fetch_max_wait_ms=FETCH_MS,
                max_partition_fetch_bytes=FETCH_BYTES,
            )
            try:
                if await self._begin(consumer):
                    await self._read(consumer)
            finally:
                await consumer.stop()

    async def _begin(self, consumer: AIOKafkaConsumer) -> bool:
        """Connect and seek; False, after a pause, if no broker answers.

        Nothing has been read by then, so it may all begin again.
        """
        try:
            await consumer.start()
            await self._seek(consumer)
        except (KafkaError, BrokerError, OSError) as error:
            log.warning("the views wait for a broker: %r", error)
            await self.sleep(RETRY_S)
            return False
        return True

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer, self._behind = consumer, set(consumer.assignment())
        while not self.should_stop:
            found = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            for records in found.values():
                self.taken += len(records)
                for record in records:
                    self._take(record)
            self._behind = {tp for tp in self._behind if not await _is_at_end(consumer, tp)}

    async def _seek(self, consumer: AIOKafkaConsumer) -> None:
        """Views and alerts from their beginning; of windows and loads the last of a partition."""
        counts = dict.fromkeys(self._apply, self._partitions)
        back: dict[str, int] = {}
        if topics := self._run_topics:
            counts |= {topics.replays: 1, topics.runs: await topics.run_partitions()}
            back = {**dict.fromkeys(topics.windows, WINDOWS_BACK), topics.measurements: LOADS_BACK}
        partitions = [TopicPartition(topic, p) for topic in counts for p in range(counts[topic])]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        last = [tp for tp in partitions if tp.topic in back]
        begins, ends = await consumer.beginning_offsets(last), await consumer.end_offsets(last)
        for tp in last:
            consumer.seek(tp, max(begins[tp], ends[tp] - back[tp.topic]))

    def _take(self, record: ConsumerRecord) -> None:
        try:
            self._apply[record.topic](record)
        except (MessageError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            # Another program wrote into our topics: the views go on without that record.
            log.warning(
                "cannot show %s/%s@%s: %s", record.topic, record.partition, record.offset, error
            )

    def _view(self, record: ConsumerRecord) -> None:
        epoch = ViewEpoch.of(record.headers)
        if record.value is None:
            model, run, shard = msgspec.json.decode(record.key or b"", type=tuple[Name, Name, int])
            self._store.drop_view(model, run, shard, epoch)
        else:
            self._store.apply_view(record.value, appended_at(record, time.time()), epoch)

    def _status(self, record: ConsumerRecord) -> None:
        if record.value is not None:
            self._store.apply_status(record.value, appended_at(record, time.time()))

    def _audit(self, record: ConsumerRecord) -> None:
        if record.value is not None:
            self._store.apply_audit(record.value, appended_at(record, time.time()))

    def _replay(self, record: ConsumerRecord) -> None:
        key = (record.key or b"").decode()
        self._store.replays.apply(key, record.value, appended_at(record, time.time()))

    def _measurements(self, record: ConsumerRecord) -> None:
        if isinstance(record.value, bytes):
            self._store.apply_measurements(record.value)

    def _run(self, record: ConsumerRecord) -> None:
        run, found = decode_run_record(record.key, record.value)
        self._store.apply_record(run, found)
        if found is not None:
            self._learn(found)

    def _alert(self, record: ConsumerRecord) -> None:
        received_at = min(max(record.timestamp or 0, 0) / 1000, LAST_S)  # it may claim any time
        self._store.apply_alert(record.value, received_at)

    def _window(self, record: ConsumerRecord) -> None:
        model = self._window_topics[record.topic]
        self._store.apply_window(record.value, model, record.partition)


async def _is_at_end(consumer: AIOKafkaConsumer, tp: TopicPartition) -> bool:
    end = consumer.last_stable_offset(tp)  # of the last fetch; None before the first
    return end is not None and await consumer.position(tp) >= end
