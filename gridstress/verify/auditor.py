"""Follow the topics and audit every run in them, until stopped."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from gridstress.kafka.topic_reader import Follower, followed
from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS, alerts, windows
from gridstress.settings import Settings
from gridstress.verify import records
from gridstress.verify.audit import RunAudit
from gridstress.verify.backlog import CatchUp
from gridstress.verify.circumstances import run_circumstances
from gridstress.verify.collect import check_partitions, former_dead_letters, run_of_dead_letter
from gridstress.verify.due import Mark
from gridstress.verify.influence import influence_of
from gridstress.verify.measured import parsed_value
from topology.clock import to_datetime
from topology.errors import BrokerError, DataError, GridstressError, MessageError
from topology.grid import Grid
from ui.schema.audit import AuditState, AuditStatus, ModelAudit

MOST_RUNS = 16
"""Runs that are followed at once, those written to last."""
LOOK_S = 0.25
"""How long is read at least before it is compared again; as long as that took, if longer."""
BEHIND_S = 10.0
"""How long no window gets on before a run is called behind."""
STILL_S = 3.0
"""How long nothing gets on before it is asked whether the workers have finished."""
ASK_S = 1.0
REPEAT_S = 20.0
"""Interval at which a run's state is published again, to show that an auditor is at work."""
MOST_NAMES = 10_000
"""Names of runs that are remembered because they are not followed any more."""
AHEAD = 1000
"""Windows that may be read before those before them are verified."""
FIRST = 5
"""Differences that are listed in words."""


@dataclass
class _Followed:
    """A run that is followed, and its last published status; times by the wall clock, s."""

    audit: RunAudit
    written: int = 0
    begun: bool = False
    moved_at: float = -math.inf
    reached_s: float = -math.inf
    dead_letters_missing_at: float = math.inf
    published: AuditStatus | None = None

    def look(self, alerts_read_s: Callable[[str, int], float]) -> None:
        """Compare, and note since when nothing gets on, and since when dead letters are missing."""
        audit, now_s = self.audit, time.time()
        audit.look(alerts_read_s)
        if not audit.waits or audit.until_s > self.reached_s:
            self.moved_at, self.reached_s = now_s, audit.until_s
        if not audit.waits_for_dead_letters:
            self.dead_letters_missing_at = math.inf
        elif self.dead_letters_missing_at == math.inf:
            self.dead_letters_missing_at = now_s

    def stands_still(self, now_s: float) -> bool:
        """Whether something has been missing for so long that the workers may have finished."""
        since_s = min(self.moved_at, self.dead_letters_missing_at)
        return self.begun and self.audit.waits and now_s - since_s >= STILL_S

    def status(self, now_s: float) -> AuditStatus:
        """The run's status now."""
        audit = self.audit
        found = [text for texts in audit.differences.values() for text in texts]
        state: AuditState = "verified"
        if found:
            state = "different"
        elif audit.excuse:
            state = "not audited"
        elif audit.until_s < audit.final_s and now_s - self.moved_at >= BEHIND_S:
            state = "behind"
        return AuditStatus(
            run=audit.run,
            state=state,
            at=datetime.fromtimestamp(now_s, UTC),
            measured_until=_moment(audit.final_s),
            models={
                model: ModelAudit(_moment(until_s), len(audit.differences.get(model, ())))
                for model, until_s in audit.verified_s.items()
            },
            differences=len(found),
            first=tuple(found[:FIRST]),
            reason=audit.excuse,
            complete=audit.complete and not audit.excuse,
        )


def _moment(at_s: float) -> datetime | None:
    return to_datetime(at_s) if math.isfinite(at_s) else None


@dataclass
class _Question:
    """Whether the workers have finished what had been read when it was asked."""

    marks: dict[str, Mark]
    answer: "asyncio.Task[None]"
    answered_at: float = math.inf


class Auditor:
    """Audits the runs of a group, as they appear on the topics.

    Parameters
    ----------
    settings, grid
        As the workers have them.
    """

    def __init__(self, settings: Settings, grid: Grid) -> None:
        self.settings, self.grid = settings, grid
        self.runs: dict[str, _Followed] = {}
        self._matrices = {m: influence_of(m, grid, settings) for m in settings.model_names}
        self._models = {topic(m): m for m in settings.model_names for topic in (windows, alerts)}
        self._let_go: dict[str, None] = {}
        self._former: dict[int, int] = {}
        self._offsets: dict[TopicPartition, int] = {}
        self._ends_at: dict[TopicPartition, float] = {}
        self._at_end: set[TopicPartition] = set()
        self._results_since_ms = self._dead_letters_since_ms = 0
        self._look_at, self._count = -math.inf, 0
        self._question: _Question | None = None

    @property
    def differences(self) -> int:
        """Differences of all runs that are followed."""
        return sum(found.audit.found for found in self.runs.values())

    async def states(self) -> AsyncGenerator[AuditStatus, None]:
        """Yield the state of a run whenever it has changed, and again at least every 20 s.

        Raises
        ------
        BrokerError
            If the broker does not answer.
        DataError
            If a topic does not exist, has another number of partitions than the settings say, or
            was made anew meanwhile.
        """
        where = self.settings.kafka
        for model in self.settings.model_names:
            await check_partitions(where, windows(model), self.settings.partitions)
        self._former = await former_dead_letters(where)
        async with followed(where, [MEASUREMENTS, *self._models, DEAD_LETTERS]) as topics:
            try:
                while True:
                    for record in await topics.read(self._wanted(topics)):
                        await self._take(record, topics)
                    await self._note_ends(topics)
                    await self._listen(topics)
                    self._look()
                    self._ask()
                    for state in self._news():
                        yield state
            finally:
                if self._question is not None:
                    self._question.answer.cancel()

    def _wanted(self, topics: Follower) -> list[TopicPartition]:
        """The partitions to read from: none far ahead of the others, so that memory is bounded."""
        audits = [found.audit for found in self.runs.values() if not found.audit.excuse]
        measured = [tp for tp in topics.begins if tp.topic == MEASUREMENTS]
        if any(audit.unverified > AHEAD // 2 for audit in audits):
            measured = []
        else:
            leading = {at for audit in audits for at in audit.leading(AHEAD)}
            others = [tp for tp in measured if tp.partition not in leading]
            if not self._at_end.issuperset(others):
                measured = others
            elif leading:  # a gap in the data, or an idle zone: go on, in small steps
                self._look_at = -math.inf
        results = [tp for tp in topics.begins if tp.topic != MEASUREMENTS]
        if not self._at_end.issuperset(measured):
            results = [
                tp
                for tp in results
                if not any(audit.is_beyond(tp.topic, tp.partition, AHEAD) for audit in audits)
            ]
        return [*measured, *results]

    async def _take(self, record: ConsumerRecord, topics: Follower) -> None:
        tp = TopicPartition(record.topic, record.partition)
        if record.offset < self._offsets.get(tp, 0):
            raise DataError(f"topic {tp.topic} was made anew", hint="Start the auditor again.")
        if tp not in self._offsets and topics.begins[tp] > 0:
            self._note_begin(record)
        self._offsets[tp] = record.offset + 1
        if tp.topic == MEASUREMENTS:
            await self._take_measurement(record, whole=topics.begins[tp] == 0)
        elif tp.topic == DEAD_LETTERS:
            if record.offset >= self._former.get(record.partition, 0):
                for found in self._about(run_of_dead_letter(record)):
                    found.audit.take_dead_letter(record)
                    if found.audit.ended_by_settings and not found.audit.excuse:
                        await self._check(found.audit)
        else:
            try:
                pairs = records.parse(record.value, packed=True)
            except MessageError:
                return  # of no run
            if run := records.run_of(pairs):
                for found in self._about(run):
                    found.audit.take_result(record, pairs, self._models[tp.topic], time.time())

    def _note_begin(self, record: ConsumerRecord) -> None:
        """The broker has deleted what lay before this record."""
        if record.topic in self._models:
            self._results_since_ms = max(self._results_since_ms, record.timestamp)
        elif record.topic == DEAD_LETTERS:
            self._dead_letters_since_ms = max(self._dead_letters_since_ms, record.timestamp)

    async def _take_measurement(self, record: ConsumerRecord, *, whole: bool) -> None:
        parsed = parsed_value(record)
        run = None if isinstance(parsed, MessageError) else records.run_of(parsed)
        self._count += 1
        for found in self._about(run):
            found.audit.take_measurement(record, parsed, whole=whole)
            if run is not None and not found.begun:
                found.begun, found.moved_at = True, time.time()
                await self._check(found.audit)
            found.written = self._count

    def _about(self, run: str | None) -> list[_Followed]:
        """The run that a record is about; all of them if it names none."""
        if run is None:
            return list(self.runs.values())
        if run in self._let_go:
            return []
        if run not in self.runs:
            if len(self.runs) >= MOST_RUNS:
                self._let_go_of_one()
            self.runs[run] = _Followed(
                RunAudit(run, self.grid, self.settings, self._matrices), self._count
            )
        return [self.runs[run]]

    def _let_go_of_one(self) -> None:
        """Of those that are complete, or else of all, the one written to the longest ago."""
        done = [name for name, found in self.runs.items() if found.audit.complete]
        oldest = min(done or self.runs, key=lambda name: self.runs[name].written)
        del self.runs[oldest]
        self._let_go[oldest] = None
        if len(self._let_go) > MOST_NAMES:
            del self._let_go[next(iter(self._let_go))]

    async def _check(self, audit: RunAudit) -> None:
        """See whether the run was worked on with these settings, and to its end."""
        try:
            circumstances = await run_circumstances(self.settings, self.grid, audit.run)
        except BrokerError:
            raise
        except GridstressError as error:
            audit.excuse = str(error)
        else:
            if circumstances.ended_at:
                at = circumstances.ended_at
                audit.excuse = f"other settings were accepted at {at}, which ended the run"

    async def _note_ends(self, topics: Follower) -> None:
        self._at_end.clear()
        for tp in topics.begins:
            at_s = await topics.read_to_end_at(tp)
            if at_s is not None:
                self._at_end.add(tp)
                self._ends_at[tp] = at_s

    def _look(self) -> None:
        began_s = time.time()
        if began_s < self._look_at:
            return
        for found in self.runs.values():
            audit = found.audit
            audit.observed.dead_letters.whole_since_ms = self._dead_letters_since_ms
            if found.begun and audit.sent_ms < self._results_since_ms:
                audit.excuse = "the topics do not hold its first results any more"
            if audit.changed:
                found.look(self._alerts_read_s)
        took_s = time.time() - began_s
        self._look_at = began_s + took_s + max(LOOK_S, took_s)

    def _alerts_read_s(self, model: str, shard: int) -> float:
        return self._ends_at.get(TopicPartition(alerts(model), shard), -math.inf)

    def _ask(self) -> None:
        """Ask whether the workers have finished, if they may have and something is missing."""
        now_s = time.time()
        if self._question is None and any(r.stands_still(now_s) for r in self.runs.values()):
            marks = {name: found.audit.mark() for name, found in self.runs.items()}
            self._question = _Question(marks, asyncio.create_task(self._finished()))

    async def _finished(self) -> None:
        """Return once the workers have finished what lies in the topics now."""
        catch_up = CatchUp(self.settings)
        while True:
            if await catch_up.is_done():
                return
            await asyncio.sleep(ASK_S)

    async def _listen(self, topics: Follower) -> None:
        """Once they have, and their results until then have been read, everything is due."""
        question = self._question
        if question is None:
            return
        if question.answered_at == math.inf:
            if question.answer.done():
                question.answer.result()
                question.answered_at = time.time()
            return
        results = [tp for tp in topics.begins if tp.topic != MEASUREMENTS]
        if any(self._ends_at.get(tp, -math.inf) < question.answered_at for tp in results):
            return
        self._question = None
        for name, mark in question.marks.items():
            found = self.runs.get(name)
            if found is not None and found.audit.waits:
                await self._check(found.audit)
                found.audit.finish(mark)

    def _news(self) -> Iterator[AuditStatus]:
        now_s = time.time()
        for found in self.runs.values():
            if not found.begun:
                continue
            status, published = found.status(now_s), found.published
            fresh = published is not None and (status.at - published.at).total_seconds() < REPEAT_S
            if (
                published is not None
                and fresh
                and msgspec.structs.replace(status, at=published.at) == published
            ):
                continue
            found.published = status
            yield status
