"""Faust's consumer, corrected: commits, rebalances, and the order in which partitions come.

**Commits** end at the oldest record that no stream has acknowledged. Stock jumps over a single
one, and over the first one after a hole in the offsets (faust-streaming 606, pull request 707).

**Rebalances** commit before they forget what was acknowledged (faust-streaming 502).

**What cannot be read** is reported: records that the broker deleted before they were read, batches
that cannot be decoded, and logs that end before what was read of them. Stock skips the first and,
of the last, every new record up to the old end, without a word; it dies of the second.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, cast

from aiokafka.errors import IllegalGenerationError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from gridstress.faust_fixes.fetched_batches import Undecodable
from gridstress.faust_fixes.partition_merge import FetchBuffer

FETCH_S = 0.1
"""How long a fetch waits for records, s. A partition that has just been read, and a rebalance,
wait for the one under way; stock's waits are 1 s (client) and 1.5 s (broker)."""

POLL_S = 0.02
"""The same while there are buffered records whose streams have enough for now."""


MAX_TIME_S = 253_370_764_800.0
"""The year 9999 begins; a record may claim any time, and no calendar goes beyond."""


class SafeConsumerThread(driver.AIOKafkaConsumerThread):
    """Thread that talks to the broker, without making other questions wait for a long fetch."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # A broker answers one connection in order: recovery's questions wait behind each fetch.
        consumer._fetch_max_wait_ms = int(FETCH_S * 1000)
        # Stock does this only where it sends in transactions itself.
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Connect; from then on nothing is committed by one who is not in the group."""
        await super().on_start()
        coordinator: Any = self._ensure_consumer()._coordinator
        commit = coordinator._do_commit_offsets

        async def commit_as_member(assignment: Any, offsets: Any) -> None:
            # A group that has lost all its members takes commits from anybody: also from a worker
            # that was thrown out, of records whose table writes no longer count.
            if not coordinator.member_id:
                raise IllegalGenerationError
            await commit(assignment, offsets)

        coordinator._do_commit_offsets = commit_as_member

    def is_behind(self, tp: TP) -> bool:
        """Whether a partition's log has records that were not fetched, as far as is known."""
        consumer: Any = self._ensure_consumer()
        assignment = consumer._subscription.subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return False
        end, position = self.highwater(tp), assignment.state_value(tp)._position
        return end is None or position is None or position < end

    def highwater(self, tp: TP) -> Any:
        """Return how far a partition can be read, if known: up to the first open transaction."""
        return self._ensure_consumer().last_stable_offset(tp)

    def next_offset(self, tp: TP) -> int | None:
        """Return the offset that is fetched next, if it is known."""
        consumer: Any = self._ensure_consumer()
        assignment = consumer._subscription.subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return None
        position: int | None = assignment.state_value(tp)._position
        return position

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Look for a stream that stands still; not while a partition has no position."""
        if self.next_offset(tp) is not None:
            super().verify_event_path(now, tp)

    async def is_member(self, generation_id: int) -> bool:
        """Ask the coordinator whether this worker is in the group, in this generation."""
        return bool(await self.call_thread(self._is_member, generation_id))

    async def _is_member(self, generation_id: int) -> bool:
        coordinator: Any = self._ensure_consumer()._coordinator
        while coordinator.generation == generation_id:
            if await coordinator._do_heartbeat():
                return bool(coordinator.generation == generation_id)
            await asyncio.sleep(FETCH_S)  # no answer; the answer "no" ends the generation
        return False


class SafeConsumer(driver.Consumer):
    """Consumer that commits up to the oldest unacknowledged record and can be parked.

    Partitions of a topic can be delivered in step (`partition_merge`).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Offsets handed to the streams and not yet committed, in the order of the log.
        self._handed_over: defaultdict[Any, deque[int]] = defaultdict(deque)
        #: By partition, the offset behind the last record that was fetched or is known to be lost.
        self._fetched_to: dict[TP, int] = {}
        #: Set while no fetch is in flight and no record is buffered.
        self._parked = asyncio.Event()
        self._parked.set()
        #: Set when a stream that had enough takes records again.
        self._room = asyncio.Event()
        super().__init__(*args, **kwargs)
        #: The same as `transport`, which has the corrections.
        self._corrected = cast("Any", self.transport)
        self._buffer = FetchBuffer(self._corrected.merged, self._corrected.time_header)
        self._deliver, self.callback = self.callback, self._hand_over

    def _new_consumer_thread(self) -> Any:
        return SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _hand_over(self, message: Any) -> None:
        if self.app.topics.acks_enabled_for(message.topic):
            self._handed_over[message.tp].append(message.offset)
        await self._deliver(message)

    def _new_offset(self, tp: Any) -> int | None:
        handed_over, acked = self._handed_over[tp], self._acked_index[tp]
        offset = None
        while handed_over and handed_over[0] in acked:
            offset = handed_over.popleft() + 1
            acked.discard(offset - 1)
        self._acked[tp].clear()  # the index alone says what is acknowledged
        return offset

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Do nothing: holes in the offsets are never handed over, so nothing waits for them.

        Stock counts the record behind a hole as part of it, and so as acknowledged.
        """

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Stop the flow, let the streams finish, commit, and only then forget the partitions.

        Stock forgets first, so its commit is empty and every rebalance repeats seconds of work.
        """
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        # Else a queue that drains now would let its partition flow before tables are recovered.
        self._buffered_partitions.clear()
        await self._on_partitions_revoked(revoked)
        self._forget(revoked)

    def _forget(self, tps: Any) -> None:
        self._buffer.forget(tps)
        for tp in tps:
            self._fetched_to.pop(tp, None)
            self._handed_over.pop(tp, None)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
            self._gap.pop(tp, None)
            self._read_offset.pop(tp, None)
            self._committed_offset.pop(tp, None)

    async def wait_empty(self) -> None:
        """Wait until the streams have finished the records they work on, then commit.

        Stock waits for every record that any stream has taken. Where two agents read a topic, one
        may have finished a record that the other finds after the flow has stopped, and skips: that
        record is never acknowledged, and the worker would never stop or give up its partitions.
        It is not committed either, so it comes again; so does what a stream leaves undone because
        its partition is being given up.
        """
        while not self.should_stop and self._unacked_messages and self._working():
            await self.commit()
            await self._wait_for_ack(timeout=1)
            self._clean_unacked_messages()
        self._unacked_messages.clear()
        await self.commit_and_end_transactions()

    def _working(self) -> bool:
        # An agent may read a stream that was derived from its own, such as `stream.noack()`.
        return any(
            actor.stream.get_active_stream().current_event is not None
            for agent in self.app.agents.values()
            for actor in agent._actors
        )

    def unfinished(self, tp: Any, begin: int, end: int) -> int:
        """Count the records of a log from `begin` to `end` that are not acknowledged.

        Of those that were not fetched it counts offsets: the mark that ends a transaction, and the
        records of one that was given up, until a fetch has passed them.
        """
        handed_over, acked = self._handed_over[tp], self._acked_index[tp]
        thread: Any = self._thread
        position = thread.next_offset(tp)
        if position is None:
            position = handed_over[-1] + 1 if handed_over else self._committed_offset[tp] or begin
        in_log: int = max(0, end - position)
        at_streams = len(handed_over) - sum(map(acked.__contains__, handed_over))
        return in_log + self._buffer.count(tp) + at_streams

    async def is_member(self, generation_id: int) -> bool:
        """Ask the coordinator whether this worker is in the group, in this generation."""
        thread: Any = self._thread
        return bool(await thread.is_member(generation_id))

    async def park(self) -> None:
        """Stop the flow and wait until the fetch in flight has ended."""
        self.stop_flow()
        await self._parked.wait()

    async def rewind(self) -> None:
        """Go back to the committed offset of every source partition. Needs a parked consumer."""
        sources = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        self._forget(sources)
        self._buffer.clear()  # also of what a fetch brought in when its partition was given up
        await self.perform_seek()
        begins = await self.earliest_offsets(*sources) if sources else {}
        # 0 is a place, None is none: Faust's own committed offset has None for both.
        places = {tp: self._read_offset.get(tp) for tp in sources}
        for tp, place in places.items():
            # Every partition has had a place since the group began (below): it has expired.
            expected = 0 if place is None and not self._corrected.is_new_group() else place
            if expected is not None and expected < begins[tp]:
                await self._corrected.report_lost(tp, expected, begins[tp])
                self._pass(tp, begins[tp])
        for tp, end in (await self._known_ends(sources)).items():
            if (place := places[tp] or 0) > end:
                self._corrected.report_truncated(tp, place)
                self._forget([tp])
                places[tp] = None
        # aiokafka does not seek where nothing is committed: what an aborted fetch took from
        # there would be lost.
        seeks = {tp: begins[tp] for tp, at in places.items() if not at or at < begins[tp]}
        if seeks:
            await self.seek_wait(seeks)
        if unplaced := {tp: begins[tp] for tp, at in places.items() if at is None}:
            await self._commit(unplaced)
        self._fetched_to.update({tp: max(places[tp] or 0, begins[tp]) for tp in sources})

    async def _report_holes(self, records: Mapping[TP, Sequence[Any]]) -> None:
        """Compare what was fetched with what should have come next.

        An earlier place means that the log was truncated. A hole behind which the log begins was
        deleted; any other belongs to a transaction. One behind buffered ones waits until they are
        handed over: a loss that is reported counts as acknowledged, and the order of the log is
        that of the commits.
        """
        for tp, expected in list(self._fetched_to.items()):
            if self._buffer.holds(tp):
                continue
            found = records.get(tp)
            thread: Any = self._thread
            place = _first_offset(found[0]) if found else thread.next_offset(tp)
            if place is not None and place != expected:
                begin = (await self.earliest_offsets(tp)).get(tp, 0)
                if place < expected:
                    await self._restart_from_beginning(tp, expected, begin)
                if begin > expected:
                    await self._corrected.report_lost(tp, expected, min(begin, place))
                if not self.flow_active:
                    return  # what was handed over is forgotten meanwhile, and not acknowledged
                self._pass(tp, place)
                self._fetched_to[tp] = place
        for tp, found in records.items():
            if found:
                self._fetched_to[tp] = found[-1].offset + 1

    async def _known_ends(self, sources: Collection[TP]) -> Mapping[TP, int]:
        """Where logs end; nothing of the embedded broker, which says too little, and loses none."""
        if not sources or await self._corrected.is_embedded():
            return {}
        return await self.highwaters(*sources)

    async def _restart_from_beginning(self, tp: TP, expected: int, begin: int) -> None:
        """End the worker; its successor reads the log again, of which the newest part was lost.

        What streams still work on has offsets that other records have now.
        """
        self._corrected.report_truncated(tp, expected)
        self._forget([tp])
        await self._commit({tp: begin})
        self._corrected.give_up(f"{tp.topic}/{tp.partition} was truncated")

    def _pass(self, tp: TP, upto: int) -> None:
        """Commit over what is never handed to a stream, as if a stream had acknowledged it.

        Else the next owner of the partition would come back to it, and when the broker has deleted
        it by then, take it for a loss.
        """
        if upto - 1 not in self._acked_index[tp]:
            self._handed_over[tp].append(upto - 1)
            self._acked[tp].append(upto - 1)
            self._acked_index[tp].add(upto - 1)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            await super()._drain_messages(fetcher)
        finally:
            self._parked.set()

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        while not self.flow_active and not self.should_stop:
            self._parked.set()
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        self._parked.clear()
        active = self._get_active_partitions()
        # A copy: another thread reads it, and aiokafka takes a set that has become empty for
        # "all partitions" and would hand out, and so lose, records of paused ones.
        wanted = frozenset(tp for tp in active if not self._buffer.holds(tp))
        if not wanted:
            self._room.clear()
            await self.wait(self._room, timeout=FETCH_S)  # type: ignore[arg-type]
            return {}, active
        wait_s = POLL_S if self._buffer else FETCH_S
        return await self._getmany(wanted, wait_s), active  # type: ignore[arg-type]

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """Fetch, and deliver what is next until nothing more may be delivered.

        What is left stays buffered; after a rebalance it is forgotten and read again.
        """
        thread: Any = self._thread
        records, _ = await self._wait_next_records(timeout)
        if self.flow_active:
            await self._report_holes(records or {})
        self._buffer.add(records or {})
        while self.flow_active and not self.should_stop:
            found = self._buffer.next(
                self._get_active_partitions(),
                self._buffered_partitions,
                thread.is_behind,
                time.monotonic(),
            )
            if found is None:
                return
            tp, record = found
            if isinstance(record.value, Undecodable):
                await self._corrected.pass_over(tp, record.value)
                if not self.flow_active:
                    return  # as in `_report_holes`
                self._pass(tp, record.offset + 1)
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            yield tp, self._to_message(tp, record)

    def _to_message(self, tp: TP, record: Any) -> Any:
        """Give Faust its message, at a time that can be reckoned with."""
        message = super()._to_message(tp, record)
        message.timestamp = min(max(message.timestamp or 0.0, 0.0), MAX_TIME_S)
        return message

    def on_buffer_drop(self, tp: TP) -> None:
        """Note that a stream has room again."""
        super().on_buffer_drop(tp)
        self._room.set()


def _first_offset(record: Any) -> int:
    value = record.value
    return int(value.first if isinstance(value, Undecodable) else record.offset)
