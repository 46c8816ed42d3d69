"""The Faust app before it has topics, tables or agents: its configuration and corrections."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import faust
from faust.web.base import Web

from agents.counters import StageRegistry
from agents.dead_letters import DeadLetters
from agents.outbox import Record
from agents.running import Stage, run_stage
from gridstress.faust_fixes import data_directory
from gridstress.faust_fixes.errors import FaustFixError, Hints
from gridstress.faust_fixes.producer import halt
from gridstress.faust_fixes.recovery import make_safe, safe_settings
from gridstress.faust_fixes.takeover import STALL_S
from gridstress.group_settings import settings_log
from gridstress.group_settings.rule import Membership, Mine
from gridstress.kafka import topics
from gridstress.kafka.probe import cluster_id, is_embedded
from gridstress.kafka.topic_drift import warn_of_losses
from gridstress.kafka.topics import ensure_topics
from gridstress.kafka_connection import faust_credentials
from gridstress.logs import logging_config
from gridstress.runtime.interpreter import silence_client_logs, tune_interpreter
from gridstress.runtime.metrics_registry import MetricsRegistry
from gridstress.runtime.observers import StageObserver
from gridstress.runtime.watchdog import Watchdog
from gridstress.runtime.web_server import (
    ApiWeb,
    disable_faust_pages,
    refuse_exposed_web,
    refuse_taken_port,
)
from gridstress.settings import Settings
from tables.schema import schema_of
from topology.errors import BrokerError, DataError, GridstressError
from topology.grid import Grid
from topology.messages import SENT_MS
from ui.api.guard import application_options

logger = logging.getLogger(__name__)

MAX_FETCH_BYTES = 3 << 20
"""What one fetch may bring of a partition."""

BUFFERED_BYTES = 32 << 20
"""What a stream may hold of the frames of large zones before its topic pauses, about."""

COLUMN_BYTES = 40
"""What a frame with one row takes for a node, about: its id and a number."""

LEAVE_S = 3.0
"""How long a stop may take until the broker is asked, twice, whether it is there."""

ANSWER_S = 1.5
"""How long the broker may take to take the connection, and to answer."""

RETRY_S = 0.25
"""How long to wait before a broker that does not answer is asked again."""


HINTS = Hints(
    data_directory="give every worker its own: GRIDSTRESS_DATA_DIR",
    partitions="`gridstress reshard` changes it",
    truncated="What was counted is skipped; `gridstress verify` names what is lost, "
    "`gridstress doctor` the setting",
    undecodable="To go on without it: gridstress dead-letters skip {topic} {partition} {offset}",
)
"""What an operator can do about what the corrections report."""


@contextmanager
def as_faust_fix_error() -> Iterator[None]:
    """Raise our errors as the corrections expect them; for a block, or around a function."""
    try:
        yield
    except GridstressError as error:
        raise FaustFixError(str(error), hint=error.hint) from error


class GridstressApp(faust.App):
    """A Faust app that makes its topics before anything else; it has the corrections.

    Nothing is asked of the broker before it starts.
    """

    def __init__(self, settings: Settings, grid: Grid) -> None:
        self.settings = settings
        self.metrics = MetricsRegistry()
        self.group, self.mine = Membership(), Mine.of(settings, grid)
        self.stages = StageRegistry()
        super().__init__(settings.group, **_options(settings, grid, self.metrics))
        # A view server has no consumer in the group, and nothing on the disk.
        self.producer_only = settings.role == "views"
        kind = settings.known_kind

        async def ask_embedded(servers: str) -> bool:
            return await is_embedded(servers) if kind == "auto" else kind == "embedded"

        try:
            make_safe(
                self,
                ask_embedded=ask_embedded,
                merged=(topics.MEASUREMENTS, topics.STRESS),
                time_header=SENT_MS,
            )
        except FaustFixError as error:
            raise GridstressError(str(error), hint=error.hint) from None
        transport: Any = self.transport
        transport.hints = HINTS
        tables: Any = self.tables
        tables.admit = self.admit_again
        self.watchdog = Watchdog(
            StageObserver(self, self.stages),
            timeout_s=settings.stall_timeout_s,
            ends_worker=settings.stall_exit,
        )

    def add_stage(
        self,
        name: str,
        source: str,
        stage: Stage,
        dead_letters: DeadLetters,
        *,
        per_partition: bool = False,
    ) -> None:
        """Run a stage as an agent on a topic; ``per_partition`` as of `run_stage`."""
        self.stages.add(name, source)

        async def agent(stream: Any) -> None:
            await run_stage(
                *(stream, name, stage, dead_letters, halt, self.stages.finished),
                per_partition=per_partition,
                worked=self.metrics.worked,
            )

        self.agent(raw_topic(self, source), name=name)(agent)

    def on_init_dependencies(self) -> Iterable[Any]:
        """Start the watchdog before what it watches."""
        return [self.watchdog, *super().on_init_dependencies()]

    async def on_first_start(self) -> None:
        """Make what is missing; end with one line and an exit code where something cannot fit."""
        if not self.producer_only:
            try:
                _make_directory(self.conf.datadir)
            except GridstressError as error:
                end(error)
            await self._outlast_former()
            await super().on_first_start()
        try:
            refuse_exposed_web(self.settings, self.conf)
            refuse_taken_port(self.conf)
            if self.producer_only:  # it enters once a worker has: `view_server.enter_group`
                await cluster_id(self.settings.kafka)
            else:
                await self._enter()
            await warn_of_losses(self.settings)
        except GridstressError as error:
            end(error)
        tune_interpreter()
        silence_client_logs()

    async def _enter(self) -> None:
        """Make the topics that are missing, unless the group has other settings than this worker.

        Errors as of `admit` and `ensure_topics`.
        """
        try:
            await self.admit()
        except DataError:  # the group is new: it has no log of its settings
            await ensure_topics(self.settings)
            await self.admit()
        else:
            await ensure_topics(self.settings)

    async def _outlast_former(self) -> None:
        """Wait until the group does not count on the worker any more that was killed here."""
        timeout_s = self.settings.session_timeout_s
        datadir = Path(self.conf.datadir)
        if wait_s := data_directory.session_left_s(datadir, timeout_s):
            logger.warning("ended without a good-bye here: the group is joined in %.1f s", wait_s)
            await data_directory.outlast(datadir, wait_s)

    async def admit(self) -> None:
        """Make sure that this worker has the group's settings.

        Raises
        ------
        GridstressError
            Naming what differs; or if the broker does not answer.
        """
        self.group.follow(await settings_log.join(self.settings, self.mine))

    async def check_settings(self) -> None:
        """Make sure, while a view server runs, that it still has the group's settings.

        Errors as of `admit`; what is being accepted does not count before it is through.
        """
        group = await settings_log.read_log(self.settings)
        if group is not None:
            settings_log.check_same(self.settings, group, self.mine)
            self.group.follow(group)

    async def admit_again(self) -> None:
        """The same before it takes tables over: others may have been accepted while it slept.

        A broker that does not answer is waited for, as the take-over itself does.
        """
        deadline = time.monotonic() + STALL_S
        with as_faust_fix_error():
            while True:
                try:
                    return await self.admit()
                except BrokerError:
                    if time.monotonic() > deadline:
                        raise
                await asyncio.sleep(RETRY_S)

    async def stop(self) -> None:
        """Stop as Faust does; without a broker, whose answer it would wait for, at once."""
        left = threading.Event()
        threading.Thread(target=self._leave, args=[left], name="leave", daemon=True).start()
        try:
            await super().stop()
            tables: Any = self.tables
            if tables.claimed:  # in containers every worker has the same process id
                data_directory.left(Path(self.conf.datadir))
        finally:
            left.set()

    def _leave(self, left: threading.Event) -> None:
        failed = 0
        while failed or not left.wait(LEAVE_S):
            try:
                question = cluster_id(self.settings.kafka, timeout_s=ANSWER_S)
                asyncio.run(asyncio.wait_for(question, 2 * ANSWER_S))
                failed = 0
            except (BrokerError, TimeoutError) as error:
                failed += 1
                if failed > 1 and not left.is_set():
                    halt(f"it was asked to stop, and no broker answers ({error!r})")

    def _new_web(self) -> Web:
        return ApiWeb(self)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GridstressError(
            f"the data directory {path} cannot be made: {error.strerror}",
            hint="set GRIDSTRESS_DATA_DIR to a place where this worker may write",
        ) from None


def end(error: GridstressError) -> NoReturn:
    """End the process as the command line does: the error in one line, and its exit code."""
    sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
    sys.stderr.flush()
    os._exit(error.exit_code)  # nothing has been started that would have to be stopped


def _options(settings: Settings, grid: Grid, metrics: MetricsRegistry) -> dict[str, Any]:
    """Faust's own settings."""
    safe = safe_settings(settings.session_timeout_s)
    return {
        "broker": settings.broker,
        "store": "memory://" if settings.store == "memory" else "rocksdb://?driver=rocksdict",
        "datadir": str(Path(settings.data_dir).absolute()),
        "env_prefix": "GRIDSTRESS_FAUST",
        "logging_config": logging_config(settings.log_format, settings.web_port),
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "producer_max_request_size": topics.MAX_RECORD_BYTES,
        # aiokafka waits for the broker after each batch that is full; stock's have 16 kB.
        "producer_max_batch_size": topics.MAX_BATCH_BYTES,
        # Of a large grid stock's 1 MB are three frames; a batch can hold no more than was fetched.
        "consumer_max_fetch_size": MAX_FETCH_BYTES,
        "web_bind": settings.web_bind,
        "web_port": settings.web_port,
        "web_application_options": application_options(
            settings.token,
            insecure=settings.insecure,
            ui_port=settings.ui_port,
            answered=metrics.answered,
        ),
        "broker_credentials": faust_credentials(settings.kafka),
        **disable_faust_pages(),
        **safe,
        "stream_buffer_maxsize": min(safe["stream_buffer_maxsize"], _buffered_frames(grid)),
    }


def _buffered_frames(grid: Grid) -> int:
    """How many frames of the grid's largest zone, one row each, take `BUFFERED_BYTES`."""
    largest = max(Counter(node.zone for node in grid.nodes).values())
    return max(1, BUFFERED_BYTES // (largest * COLUMN_BYTES))


@dataclass(frozen=True)
class Outlet:
    """A topic to send raw records to: straight to the producer, without what Faust does on top."""

    app: GridstressApp
    topic: str

    async def send(
        self, *, key: bytes, value: bytes | None, partition: int | None = None, headers: Any = None
    ) -> Awaitable[Any]:
        """Hand a record over; what comes back is done when the broker has acknowledged it.

        Raises
        ------
        ProducerSendError
            If the record is too large. Any other failure ends the worker.
        """
        delivery: Awaitable[Any] = await self.app.producer.send(
            self.topic, key, value, partition, None, headers
        )
        self.app.metrics.sent.labels(self.topic).inc()
        return delivery

    async def send_many(
        self, partition: int, records: Sequence[Record]
    ) -> Sequence[Awaitable[Any]]:
        """Hand records over, in order; what comes back is done when all are acknowledged.

        Raises
        ------
        ProducerSendError
            If a record is too large; none is sent then. Any other failure ends the worker.
        """
        producer: Any = self.app.producer
        found: Sequence[Awaitable[Any]] = await producer.send_many(self.topic, partition, records)
        self.app.metrics.sent.labels(self.topic).inc(len(records))
        return found


def raw_topic(app: GridstressApp, name: str) -> Any:
    """Give a topic whose keys and values are bytes: what cannot be read must reach a stage."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=app.settings.partitions,
    )


def raw_table(app: GridstressApp, name: str) -> Any:
    """Give a table whose keys and values are bytes."""
    # RocksDB's own defaults reserve 256 MB a partition; a shard's state is far smaller.
    options = {"write_buffer_size": 1 << 20, "block_cache_size": 4 << 20}
    table: Any = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=app.settings.partitions,
        options=options if app.settings.store == "rocksdb" else None,
    )
    table.check = as_faust_fix_error()(schema_of)
    return table
