"""Verify one run continuously: compare its newest stretch again and again.

What was verified and lies far enough back is dropped, so that memory and time stay bounded however
long the run is. It finds what a verification of the whole would find, except repeated results of
windows that were dropped, and a missing peak risk of an episode whose earlier steps were.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from aiokafka import ConsumerRecord

from gridstress.settings import Settings
from gridstress.verify.collect import take_dead_letter, take_result
from gridstress.verify.compare import Observed, compare, up_to
from gridstress.verify.compare_alarms import decisions_for
from gridstress.verify.compare_dead_letters import FORGOTTEN, NOT_DUE, RowsDeadLetter
from gridstress.verify.compare_refused import OTHER_SETTINGS, RunDeadLetters
from gridstress.verify.compare_windows import compare_windows
from gridstress.verify.due import AlertsDue, Due, Mark
from gridstress.verify.intake import Intake, ZoneIntake
from gridstress.verify.measured import Measurements, refusal_of
from gridstress.verify.outcome import Outcome
from gridstress.verify.recompute import Past, Recomputed, drop, work_out
from gridstress.verify.records import Pairs
from topology.errors import DataError, MessageError
from topology.grid import Grid
from topology.messages import RiskWindow

KEPT = 168
"""Verified windows that are kept, so that copies of them can be compared: a worker that takes over
a shard sends the last ones again."""
DROPPED = 100
"""So many windows are dropped at a time."""
MOST_RECORDS = 10_000
MOST_DIFFERENCES = 1_000
"""A run with more is not audited any further; it stays different."""


class RunAudit:
    """What is held of a run, and what was found so far.

    Parameters
    ----------
    run
        Its name.
    matrices
        Influence K by model.

    Attributes
    ----------
    differences
        In words, each once, by model or ``measurements``.
    excuse
        Why the run is not audited, or not any further; empty if it is.
    verified_s
        By model, the end of the last window up to which everything is there and right.
    final_s
        The end of the last window that is final by the measurements that were read.
    unverified
        Number of final windows that are not verified yet.
    waits, waits_for_dead_letters
        Whether anything, or a dead letter, is not there and not due yet.
    newest_s
        By topic and partition, the end of the newest window of which the results speak.
    """

    def __init__(
        self, run: str, grid: Grid, settings: Settings, matrices: Mapping[str, Any]
    ) -> None:
        self.run, self.grid, self.settings, self.matrices = run, grid, settings, matrices
        self.measurements = Measurements(run)
        self.observed = Observed()
        self.intake = Intake.of(run, grid, settings.lateness_s)
        self.past = Past()
        self.finished = Mark()
        self.differences: dict[str, dict[str, None]] = {}
        self.excuse = ""
        self.verified_s = dict.fromkeys(matrices, -math.inf)
        self.final_s = -math.inf
        self.unverified = 0
        self.waits = self.waits_for_dead_letters = self.changed = False
        self.newest_s: dict[tuple[str, int], float] = {}
        self.sent_ms = math.inf
        self.ended_by_settings = False
        self._begin_s = math.inf
        self._partitions: dict[str, int] = {}
        shards = range(settings.partitions)
        self._alerts_due = {model: [AlertsDue() for _ in shards] for model in matrices}

    @property
    def found(self) -> int:
        """Number of differences."""
        return sum(map(len, self.differences.values()))

    @property
    def until_s(self) -> float:
        """Up to where all models are verified."""
        return min(self.verified_s.values())

    @property
    def complete(self) -> bool:
        """Whether every zone has ended, and everything is there and right or was found wrong."""
        ended = all(zone.ended_s is not None for zone in self.intake.zones.values())
        return ended and not (self.waits or self.changed)

    def leading(self, windows: int) -> set[int]:
        """Partitions of ``grid_measurements`` read so many windows beyond what is verified."""
        least_s = self.until_s if math.isfinite(self.until_s) else self._begin_s
        most_s = least_s + windows * self.settings.step_s
        zones = self.intake.zones
        return {at for zone, at in self._partitions.items() if zones[zone].newest_s > most_s}

    def is_beyond(self, topic: str, partition: int, windows: int) -> bool:
        """Whether results were read so many windows beyond the measurements."""
        watermark_s = self.intake.watermark_s
        measured_s = -math.inf if watermark_s is None else watermark_s
        newest_s = self.newest_s.get((topic, partition), -math.inf)
        return newest_s > measured_s + windows * self.settings.step_s

    def take_measurement(
        self, record: ConsumerRecord, parsed: Pairs | MessageError, *, whole: bool = True
    ) -> None:
        """Take a record of ``grid_measurements`` that is of the run or names none.

        ``whole`` is whether the partition still begins with its first record.
        """
        before = len(self.measurements.records)
        self.measurements.add(record, parsed)
        self.changed = True
        if len(self.measurements.records) == before:
            return
        frame = self.measurements.records[-1].frame
        if frame is None or refusal_of(frame, self.grid)[0]:
            return
        if frame.zone not in self._partitions and frame.seq > 0 and not whole:
            self.excuse = "grid_measurements does not hold its beginning any more"
        self.sent_ms = min(self.sent_ms, self.measurements.records[-1].sent_ms)
        self._begin_s = min(self._begin_s, float(frame.times_s[0]))
        self.intake.add(frame, self.grid, self.settings.max_ahead_s)
        if self._partitions.setdefault(frame.zone, record.partition) != record.partition:
            self.excuse = f"frames of zone {frame.zone} lie in several partitions"

    def take_result(self, record: ConsumerRecord, pairs: Pairs, model: str, now_s: float) -> None:
        """Take a window or an alert of the run; ``now_s`` is the clock's."""
        shards = self.settings.partitions
        result = take_result(record, pairs, model, shards, self.observed)
        self.changed = True
        if result is None:
            return
        end_s, place = result.window_end.timestamp(), (record.topic, record.partition)
        self.newest_s[place] = max(self.newest_s.get(place, end_s), end_s)
        if isinstance(result, RiskWindow) and result.shard < shards:
            self._alerts_due[model][result.shard].see(end_s, record.timestamp / 1000, now_s)

    def take_dead_letter(self, record: ConsumerRecord) -> None:
        """Take a dead letter that may be about the run."""
        take_dead_letter(record, self.run, self.observed)
        dead_letters = self.observed.dead_letters
        self.ended_by_settings |= any(
            dead_letter.reason == OTHER_SETTINGS
            for dead_letter in (*dead_letters.measurements[-1:], *dead_letters.later[-1:])
        )
        self.changed = True

    def mark(self) -> Mark:
        """Note how much has been read."""
        rows = {name: zone.last_seq for name, zone in self.intake.zones.items()}
        offsets = {partition: found.stop for partition, found in self.measurements.read.items()}
        return Mark(self.final_s, rows, offsets)

    def finish(self, mark: Mark) -> None:
        """Take it that the workers have finished what had been read, and that it was all read."""
        self.finished, self.changed = mark, True

    def look(self, alerts_read_s: Callable[[str, int], float]) -> None:
        """Compare what there is.

        ``alerts_read_s`` tells when a model's alerts of a shard were last read to their end.
        """
        self.changed = False
        if self.excuse:
            return
        try:
            expected = work_out(self.intake, self.grid, self.settings, self.past, self.matrices)
        except DataError as error:
            self.excuse = str(error)
            return
        for model, shards in self._alerts_due.items():
            for shard, alerts in enumerate(shards):
                alerts.read(alerts_read_s(model, shard))
        settled = self._settled(expected)
        self._note(expected, compare(expected, settled, measurements=self.measurements))
        if self.found >= MOST_DIFFERENCES:
            self.excuse = f"{MOST_DIFFERENCES:,} differences are enough"
        done = int((expected.ends_s[: expected.closed] <= self.until_s).sum())
        if done - expected.first >= KEPT + DROPPED:
            self._drop(expected, settled, float(expected.ends_s[done - KEPT - 1]))
        elif len(self.measurements.records) + len(self.measurements.nameless) > MOST_RECORDS:
            self._forget_records(self.past.until_s)

    def _settled(self, expected: Recomputed) -> Observed:
        """What can be judged by the measurements that were read, and how much of it is due."""
        settled = up_to(self.observed, expected.final_until_s)
        for model in expected.models:
            reach = self._reach(settled, model)
            settled.alerts[model] = [
                alert
                for alert in settled.alerts.get(model, ())
                if alert.window_end.timestamp() <= reach[self._shard_of(alert.node_id)]
            ]
        settled.skipped_rows = [self._read_rows(one) for one in self.observed.skipped_rows]
        dead_letters, read = self.observed.dead_letters, self.measurements.read
        settled.dead_letters = RunDeadLetters(
            [
                x
                for x in dead_letters.measurements
                if x.place and x.place.offset < _stop(read, x.place)
            ],
            dead_letters.later,
            dead_letters.unreadable,
            dead_letters.whole_since_ms,
            self.finished.offsets,
        )
        settled.due = Due(
            self.finished.windows_s,
            {
                model: np.maximum([x.until_s for x in shards], self.finished.windows_s)
                for model, shards in self._alerts_due.items()
            },
            {zone: self.finished.rows.get(zone, -1) for zone in self.intake.zones},
        )
        return settled

    def _reach(self, settled: Observed, model: str) -> list[float]:
        """End of the last window of each shard; alerts of later ones came before theirs."""
        least_s = max(self.past.until_s, self.finished.windows_s)
        reach = [least_s] * self.settings.partitions
        for window in settled.windows.get(model, ()):
            if window.shard < len(reach):
                reach[window.shard] = max(reach[window.shard], window.window_end.timestamp())
        return reach

    def _shard_of(self, node_id: str) -> int:
        return crc32(node_id.encode()) % self.settings.partitions

    def _read_rows(self, dead_letter: RowsDeadLetter) -> RowsDeadLetter:
        """Leave out the rows that have not been read, and those that were dropped."""
        zone = self.intake.zones.get(dead_letter.zone)
        if zone is None or dead_letter.reason == FORGOTTEN:
            return dead_letter
        skipped = {*zone.late_seqs, *zone.ahead_seqs}
        rows = [r for r in dead_letter.rows if r <= zone.last_seq]
        rows = [r for r in rows if r >= zone.dropped_before or r in skipped]
        return RowsDeadLetter(
            dead_letter.model, dead_letter.shard, dead_letter.zone, dead_letter.reason, tuple(rows)
        )

    def _note(self, expected: Recomputed, outcomes: Mapping[str, Outcome]) -> None:
        ends_s = expected.ends_s[: expected.closed]
        if len(ends_s):
            self.final_s = max(self.final_s, float(ends_s[-1]))
        waits_s = math.inf
        self.waits = self.waits_for_dead_letters = False
        for name, outcome in outcomes.items():
            self.differences.setdefault(name, {}).update(dict.fromkeys(outcome.problems))
            self.waits_for_dead_letters |= any(
                outcome.counts[x] for x in ("dead letters not due", NOT_DUE)
            )
            self.waits |= self.waits_for_dead_letters or outcome.waits_s < math.inf
            waits_s = min(waits_s, outcome.waits_s)
            if name in self.verified_s:
                done_s = float(ends_s[ends_s < outcome.waits_s].max(initial=-math.inf))
                self.verified_s[name] = max(self.verified_s[name], done_s)
        self.unverified = int((ends_s >= waits_s).sum())

    def _drop(self, expected: Recomputed, settled: Observed, until_s: float) -> None:
        """Drop what no window that ends after ``until_s`` needs."""
        steps = {}
        for model in expected.models:
            found = settled.windows.get(model, ())
            windows = compare_windows(expected, model, found, Outcome(), due=settled.due)
            steps[model] = decisions_for(expected, model, windows, Outcome())
        self.past = drop(expected, until_s, steps)
        observed = self.observed
        for model, found in observed.windows.items():
            observed.windows[model] = [w for w in found if w.window_end.timestamp() > until_s]
        for model, alerts in observed.alerts.items():
            observed.alerts[model] = [a for a in alerts if a.window_end.timestamp() > until_s]
        self._forget_rows(settled)
        self._forget_records(until_s)

    def _forget_rows(self, settled: Observed) -> None:
        """Forget skipped rows that were dropped, once each dead letter is there or was missed."""
        for zone in self.intake.zones.values():
            for reason, seqs in (("late", zone.late_seqs), ("ahead", zone.ahead_seqs)):
                reported = {
                    (dead_letter.model, dead_letter.shard, row)
                    for dead_letter in settled.skipped_rows
                    if (dead_letter.zone, dead_letter.reason) == (zone.zone, reason)
                    for row in dead_letter.rows
                }
                there = Counter(row for _, _, row in reported)
                seqs[:] = [seq for seq in seqs if self._is_open(zone, seq, there[seq])]
        self.observed.skipped_rows = [
            dead_letter
            for dead_letter in self.observed.skipped_rows
            if dead_letter.zone in self.intake.zones
            and (
                self._read_rows(dead_letter).rows
                or max(dead_letter.rows) > self.intake.zones[dead_letter.zone].last_seq
            )
        ]

    def _is_open(self, zone: ZoneIntake, seq: int, dead_letters: int) -> bool:
        judged = seq <= self.finished.rows.get(zone.zone, -1)
        wanted = len(self.matrices) * self.settings.partitions
        return seq >= zone.dropped_before or not (judged or dead_letters == wanted)

    def _forget_records(self, until_s: float) -> None:
        """Forget old records that are fine, and refused ones whose dead letter is there or due."""
        measurements, dead_letters = self.measurements, self.observed.dead_letters
        before_s = until_s - self.settings.size_s
        about = {dead_letter.place for dead_letter in dead_letters.measurements}
        refused = {r.place for r in measurements.judged(self.grid) if r.reason}
        measurements.records = [
            record
            for record in measurements.records
            if (
                record.place not in about
                and record.place.offset >= self.finished.offsets.get(record.place.partition, 0)
                if record.place in refused or record.frame is None
                else record.frame.times_s[-1] >= before_s
            )
        ]
        measurements.nameless = [r for r in measurements.nameless if r.place not in about]
        held = {r.place for r in (*measurements.records, *measurements.nameless)}
        dead_letters.measurements = [
            x
            for x in dead_letters.measurements
            if x.place in held or (x.place and x.place.offset >= _stop(measurements.read, x.place))
        ]


def _stop(read: Mapping[int, range], place: Any) -> int:
    return read.get(place.partition, range(0)).stop
