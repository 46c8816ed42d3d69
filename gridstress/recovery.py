"""Faust 0.15.3, corrected where it loses, re-orders or mixes up records after a rebalance.

1. **Recovery order** (`SafeRecovery`). After a rebalance the fetch in flight ends first, then the
   positions go back to the committed offsets, then records flow. Stock lets records flow while it
   seeks and then empties the queues: records are lost, come twice or overtake each other.
2. **Local tables of a killed worker are thrown away** (`SafeTableManager`). They may be ahead of
   the changelog, and recovery would then mix old values with newer ones.

`gridstress.delivery` holds the other half: flush, commits, send failures. `make_safe` gives an
app all of it, `safe_settings` the settings it relies on. `docs/faust.md` gives the evidence; each
correction has a test that fails on the stock class. Faust's internals have no types worth the
name, so they are `Any` here.
"""

import fcntl
import logging
import os
import shutil
from pathlib import Path
from typing import IO, Any

import faust
from faust import streams
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped

from gridstress.delivery import BrokerKind, SafeTransport
from topology.errors import BrokerError, GridstressError, UsageError

FAUST_VERSION = "0.15.3"
"""The Faust these corrections are written for; check `docs/faust.md` before raising it."""

logger = logging.getLogger(__name__)


class SafeRecovery(Recovery):
    """Table recovery that lets source records flow only when everything is in its place."""

    #: Number of the rebalance that the current assignment came from.
    _rebalance = 0

    async def on_rebalance(
        self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0
    ) -> None:
        """Note which rebalance this is, then recover."""
        self._rebalance = self.app.rebalancing_count
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

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
            raise BrokerError(
                f"the broker did not answer within {timeout:g} s while tables were recovered",
                hint="look at the broker; the worker can be started again at any time",
            )

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        # A fetch begun before the rebalance may still take records from under this seek.
        if not consumer.flow_active:
            await consumer.park()
        if tps:
            await super()._seek_offsets(consumer, tps, offsets, title)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        """Begin to work after a rebalance, in an app without tables."""
        await self.app.on_rebalance_complete.send()
        await self._begin_work(generation_id)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Begin to work once the tables are up to date."""
        if self._superseded(generation_id):
            raise RebalanceAgain  # stock comes here with half-read tables when it is interrupted
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
            await self._wait(self._rewind(consumer, assigned), app.conf.broker_request_timeout)
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

    async def _rewind(self, consumer: Any, assigned: Any) -> None:
        await consumer.park()
        await consumer.rewind()
        # Parking dropped what was in hand, also of changelogs that are followed all the time
        # (standbys, global tables). They go on behind the last record their table has taken.
        followed = assigned & consumer._active_partitions
        await self._seek_offsets(
            consumer, followed & self.active_tps, self.active_offsets, "active"
        )
        await self._seek_offsets(
            consumer, followed & self.standby_tps, self.standby_offsets, "standby"
        )


class SafeTableManager(TableManager):
    """Tables with the corrected recovery, and with no trust in the disk of a killed worker."""

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
            self._in_use = _claim(Path(conf.datadir), Path(conf.tabledir))
        # Stock sleeps for a second here; whoever depends on the tables waits for them anyway.
        await self._update_channels()
        await self.recovery.start()

    async def on_stop(self) -> None:
        """Note that disk and changelog agree, once they do."""
        await super().on_stop()
        if self._in_use is not None:
            producer: Any = self.app.producer
            await producer.flush()  # now the changelog has all that the disk has
            self._in_use.truncate(0)
            self._in_use.close()
            self._in_use = None


def _claim(datadir: Path, tabledir: Path) -> IO[str]:
    """Take `datadir` for this process; clear `tabledir` if the last worker there was killed."""
    datadir.mkdir(parents=True, exist_ok=True)
    in_use = (datadir / "worker.lock").open("a+")
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        in_use.close()
        raise UsageError(
            f"another worker uses the data directory {datadir}",
            hint="give every worker its own: `--datadir` or GRIDSTRESS_DATA_DIR",
        ) from None
    in_use.seek(0)
    if in_use.read():
        logger.warning("the last worker in %s was killed; its tables are read anew", datadir)
        for database in tabledir.glob("*.db"):
            shutil.rmtree(database)
    in_use.truncate(0)
    in_use.write(f"{os.getpid()}\n")
    in_use.flush()
    return in_use


def make_safe(app: Any, *, kind: BrokerKind = "auto") -> None:
    """Give a Faust app the corrections, before it has tables, agents or views.

    Parameters
    ----------
    app
        A new `faust.App`.
    kind
        What kind of broker it talks to; ``auto`` asks it when the worker starts.

    Raises
    ------
    GridstressError
        If this is another Faust than the one corrected here.
    UsageError
        If the app has used its tables or its transport already, or sets `producer_threaded`.
    """
    if faust.__version__ != FAUST_VERSION:
        raise GridstressError(
            f"Faust {faust.__version__} is installed, the corrections are for {FAUST_VERSION}",
            hint="install the pinned version, or check docs/faust.md and raise FAUST_VERSION",
        )
    if streams._CStreamIterator is None:  # type: ignore[attr-defined]
        raise GridstressError(
            "Faust is installed without its compiled part",
            hint="install it from a wheel, or with a C compiler: its pure Python acknowledges "
            "records that it skips at a rebalance, and so loses them",
        )
    if "tables" in vars(app) or app._transport is not None or app.conf.producer_threaded:
        raise UsageError(
            "the app cannot be made safe any more",
            hint="call make_safe right after faust.App(...), without producer_threaded",
        )
    app.conf.TableManager = SafeTableManager
    app.transport = SafeTransport(app.conf.broker_consumer, app, kind=kind)


def safe_settings(session_timeout_s: float) -> dict[str, Any]:
    """Keyword arguments of `faust.App` on which delivery depends, each with its reason.

    Parameters
    ----------
    session_timeout_s
        Silence after which a worker is taken for dead, s; at least 6 on Kafka by default.
    """
    rebalance_s = max(30.0, session_timeout_s)
    return {
        # Exactly-once comes from the state: Faust's transactions lose tables (docs/faust.md).
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
        # A record not acknowledged for so long ends the worker, rather than Faust's 20 min.
        "producer_request_timeout": 60.0,
        # Recovery takes a second for tables of this size; standbys cost a second copy of all.
        "table_standby_replicas": 0,
        # A rebalance waits until streams have finished the records they work on.
        "stream_wait_empty": True,
        # Stock holds 4096 records a stream; a record is a frame of up to 1 MB.
        "stream_buffer_maxsize": 256,
    }
