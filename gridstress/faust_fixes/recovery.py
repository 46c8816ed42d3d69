"""Faust 0.15.3, corrected where it loses, re-orders or mixes up records after a rebalance.

1. **Recovery order** (`SafeRecovery`). After a rebalance the fetch in flight ends first, then the
   positions go back to the committed offsets, then records flow. Stock lets records flow while it
   seeks and then empties the queues: records are lost, come twice or overtake each other
   (faust-streaming 596).
2. **Fencing** (`SafeRecovery`, with `takeover`). Who takes a partition over makes sure
   that what its former owner still writes never counts.
3. **Local tables are never kept over a restart** (`SafeTableManager`). They may be ahead of the
   changelog, damaged, or another worker's (faust-streaming 158, of one ahead).

`producer` and `consumer` hold the rest: flush, send failures, commits.
`make_safe` gives an app all of it, `safe_settings` the settings it relies on. Faust's internals
have no types worth the name, so they are `Any` here.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import IO, Any

import faust
from aiokafka.errors import IllegalStateError
from faust import streams
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

from gridstress.faust_fixes import FAUST_VERSION, data_directory, fetched_batches
from gridstress.faust_fixes.errors import FaustFixError
from gridstress.faust_fixes.fenced_table import FencedTable
from gridstress.faust_fixes.producer import AskEmbedded, SafeTransport, halt, never_embedded
from gridstress.faust_fixes.takeover import ChangelogReplica, Takeover

logger = logging.getLogger(__name__)


class SafeRecovery(Recovery):
    """Table recovery that lets source records flow only when everything is in its place."""

    #: Number of the rebalance that the current assignment came from.
    _rebalance = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: This process, in the epochs of what it writes.
        self.owner = uuid.uuid4().hex[:8]
        self._replicas: dict[TP, ChangelogReplica] = {}
        #: How often tables were brought up to date, and how long it took the last time, s.
        self.recoveries, self.recovery_s = 0, 0.0

    @property
    def progress(self) -> int:
        """Monotonic progress marker, for stall detection."""
        return sum(replica.position for replica in self._replicas.values())

    async def on_rebalance(
        self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0
    ) -> None:
        """Note which rebalance this is, then recover."""
        self._rebalance = self.app.rebalancing_count
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        if self.standby_tps:
            halt("standby replicas and global tables are not supported")
        for tp in self._replicas.keys() - self.active_tps:
            self._replicas.pop(tp).restart()

    @Service.task
    async def _restart_recovery(self) -> None:
        while not await self.wait_for_stopped(self.signal_recovery_start):  # type: ignore[arg-type]
            self.signal_recovery_start.clear()
            try:
                await self._recover(self._generation_id)
            except (RebalanceAgain, IllegalStateError):
                continue  # the next rebalance has begun, or will
            except ServiceStopped:
                break
            except FaustFixError as error:
                halt(f"the tables could not be recovered: {error}; {error.hint}".rstrip("; "))
            except Exception as error:
                logger.exception("recovery failed")
                # A worker without its tables must not hold partitions, nor wait for an orderly end.
                halt(f"the tables could not be recovered: {error!r}")

    async def _recover(self, generation_id: int) -> None:
        app: Any = self.app
        if not self.tables:
            await self._resume_streams(generation_id)
            return
        began = time.monotonic()
        self._set_recovery_started()
        # All that was written under the last epoch has its place in the log before the next one.
        await self._wait(app.producer.flush())
        manager: Any = self.tables
        if manager.admit is not None:
            await self._wait(manager.admit())
        for tp in self.active_tps - self._replicas.keys():
            table = self.tables._changelogs[tp.topic]
            self._replicas[tp] = ChangelogReplica(tp, table, self.owner)  # type: ignore[arg-type]
            self._replicas[tp].restart()
        takeover = Takeover(app, app.transport.arguments, lambda: self._still_member(generation_id))
        await self._wait(takeover.run([self._replicas[tp] for tp in sorted(self.active_tps)]))
        self.recoveries, self.recovery_s = self.recoveries + 1, time.monotonic() - began
        await self.on_recovery_completed(generation_id)

    async def _still_member(self, generation_id: int) -> None:
        app: Any = self.app
        async with asyncio.timeout(app.conf.broker_request_timeout):
            member = await app.consumer.is_member(generation_id)
        if not member:
            raise RebalanceAgain

    def _superseded(self, generation_id: int) -> bool:
        """Whether another rebalance has begun: it counts itself before it does anything else."""
        app: Any = self.app
        return bool(
            app.consumer_generation_id != generation_id or app.rebalancing_count != self._rebalance
        )

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109
        """Wait as stock does, but do not take a time-out for the end of the service.

        Stock then leaves a worker that owns partitions and never works on them.
        """
        result: Any = await self.wait_first(coro, self.signal_recovery_start, timeout=timeout)  # type: ignore[arg-type]
        if self.should_stop:
            raise ServiceStopped
        if self.signal_recovery_start in result.done or self._superseded(self._generation_id):
            raise RebalanceAgain
        if result.stopped:
            raise FaustFixError(
                f"the broker did not answer within {timeout:g} s while tables were recovered",
                hint="look at the broker; the worker can be started again at any time",
            )

    async def _resume_streams(self, generation_id: int = 0) -> None:
        """Begin to work after a rebalance, in an app without tables."""
        await self.app.on_rebalance_complete.send()
        await self._begin_work(generation_id)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Begin to work once the tables are up to date."""
        if self._superseded(generation_id):
            raise RebalanceAgain
        await self.app.on_rebalance_complete.send()
        self._set_recovery_ended()
        for table in self.tables.values():
            await table.on_recovery_completed(
                self.actives_for_table[table], self.standbys_for_table[table]
            )
        await self._begin_work(generation_id)

    async def _begin_work(self, generation_id: int) -> None:
        app: Any = self.app
        consumer = app.consumer
        assigned = consumer.assignment()
        if assigned:
            await self._wait(self._rewind(consumer), app.conf.broker_request_timeout)
        # From here to resume_flow nothing awaits, so a rebalance cannot begin in between: it
        # would find the flow resumed on partitions that another worker writes to already.
        if self._superseded(generation_id):
            raise RebalanceAgain
        if not app.flow_control.is_active():
            app.flow_control.resume()  # empties every queue, so never while records flow
        consumer.resume_partitions({tp for tp in assigned if not self._is_changelog_tp(tp)})
        consumer.resume_flow()
        self.completed.set()
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        if not self.tables or not app.assignor.assigned_standbys():
            self.tables.on_standbys_ready()
        app.on_rebalance_end()
        self.log.info("Worker ready")

    async def _rewind(self, consumer: Any) -> None:
        await consumer.park()
        await consumer.rewind()


class SafeTableManager(TableManager):
    """Tables with the corrected recovery, and with no trust in what lies on the disk."""

    #: Is asked before partitions are taken over; raises FaustFixError if the worker must not.
    admit: Callable[[], Awaitable[None]] | None = None

    #: Whether this process has, or had, the data directory; its lock may name another.
    claimed = False

    _in_use: IO[str] | None = None

    @property
    def recovery(self) -> Any:
        """The corrected recovery service."""
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        """Claim the data directory, then start the tables."""
        conf: Any = self.app.conf
        if conf.store.scheme == "rocksdb":
            transport: Any = self.app.transport
            self._in_use = data_directory.claim(
                Path(conf.datadir), Path(conf.tabledir), transport.hints.data_directory
            )
            self.claimed = True
        # Stock sleeps for a second here; what depends on the tables waits for them anyway.
        await self._update_channels()
        await self.recovery.start()

    @Service.task
    async def _note_that_it_is_there(self) -> None:
        while not self.should_stop and self._in_use is not None:
            data_directory.seen(Path(self.app.conf.datadir))
            await self.sleep(data_directory.SEEN_EVERY_S)

    async def on_stop(self) -> None:
        """Deliver what tables have written; release the data directory."""
        await super().on_stop()
        producer: Any = self.app.producer
        await producer.flush()
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None


def make_safe(
    app: Any,
    *,
    ask_embedded: AskEmbedded = never_embedded,
    merged: Collection[str] = (),
    time_header: str = "",
) -> None:
    """Give a Faust app the corrections, before it has tables, agents or views.

    Parameters
    ----------
    app
        A new `faust.App`.
    ask_embedded
        Given the servers, whether they are the embedded broker, which needs work-arounds.
    merged
        Topics whose partitions are merged by time (`partition_merge`).
    time_header
        Name of a header with the time to merge a record by, decimal ms; without it, by its own.

    Raises
    ------
    FaustFixError
        If this is another Faust than the one corrected here, or the app has used its tables or
        its transport already, or sets `producer_threaded`.
    """
    if faust.__version__ != FAUST_VERSION:
        raise FaustFixError(
            f"Faust {faust.__version__} is installed, the corrections are for {FAUST_VERSION}",
            hint=f"install faust-streaming=={FAUST_VERSION}",
        )
    if streams._CStreamIterator is None:  # type: ignore[attr-defined]
        raise FaustFixError(
            "Faust is installed without its compiled part",
            hint="install it from a wheel, or with a C compiler: its pure Python acknowledges "
            "records that it skips at a rebalance, and so loses them",
        )
    if "tables" in vars(app) or app._transport is not None or app.conf.producer_threaded:
        raise FaustFixError(
            "the app cannot be made safe any more",
            hint="call make_safe right after faust.App(...), without producer_threaded",
        )
    fetched_batches.install()
    app.conf.TableManager = SafeTableManager
    app.conf.Table = FencedTable
    app.transport = SafeTransport(
        app.conf.broker_consumer,
        app,
        ask_embedded=ask_embedded,
        merged=merged,
        time_header=time_header,
    )


def safe_settings(session_timeout_s: float) -> dict[str, Any]:
    """Keyword arguments of `faust.App` on which delivery depends, each with its reason.

    Parameters
    ----------
    session_timeout_s
        Silence after which a worker is taken for dead, s; at least 6 on Kafka by default.
    """
    rebalance_s = max(30.0, session_timeout_s)
    return {
        # Exactly-once comes from the state: Faust's own crashes (faust-streaming 323).
        "processing_guarantee": "at_least_once",
        "broker_session_timeout": session_timeout_s,
        # A third of the session: two heartbeats may get lost.
        "broker_heartbeat_interval": session_timeout_s / 3,
        # How long others wait for this worker to finish its records in a rebalance.
        "broker_rebalance_timeout": rebalance_s,
        # A join is answered after at most the rebalance timeout; the client must wait longer.
        "broker_request_timeout": rebalance_s + 10.0,
        # A new group begins with the first record, and a lost position is not the end of it.
        "consumer_auto_offset_reset": "earliest",
        # A topic that was deleted and made anew is taken up when metadata is read again.
        "consumer_metadata_max_age_ms": 30_000,
        # A record not acknowledged for so long ends the worker, rather than Faust's 20 min.
        "producer_request_timeout": 60.0,
        # Recovery takes a second for tables of this size; standbys cost a second copy of all.
        "table_standby_replicas": 0,
        # A rebalance waits until streams have finished the records they work on.
        "stream_wait_empty": True,
        # Stock holds 4096 records a stream, whatever their size; each rebalance reads them again.
        "stream_buffer_maxsize": 128,
    }
