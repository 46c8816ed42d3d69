"""The state of the whole grid in a worker, the other workers' shards included."""

import logging
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tables.shard_view import PaneView, ShardView
from tables.view_epoch import ViewEpoch
from topology.codec import decode, encode
from topology.errors import MessageError
from topology.messages import RiskAlert, RiskWindow, WindowHead
from topology.run_messages import RunRecord
from ui.api.agreement_history import History, Point
from ui.api.broker_clock import BrokerClock
from ui.api.episodes import Episode, EpisodeBook
from ui.api.kept_loads import KeptFrame, KeptLoads, LoadRow, rows_before
from ui.api.kept_windows import MAX_WINDOWS, KeptWindow, KeptWindows
from ui.api.record_check import RecordValidator
from ui.api.replays import KnownReplays
from ui.schema.audit import AuditStatus
from ui.schema.system import GONE_S, WorkerStatus

log = logging.getLogger(__name__)

MAX_ALERTS = 5_000
"""Alerts kept a model, of all runs: as many as one answer of the API may hold. Some 2 kB of memory
each, with two models; and so for episodes."""
EPISODES_A_NODE = 2
"""Episodes kept a model and node, but at least `MAX_ALERTS` a model: one may be open at each."""
MAX_RECORD_BYTES = 32 << 20
"""Memory for records of runs: some 10,000 as a rule. Beyond it, those written longest ago are
forgotten."""
MAX_VIEW_BYTES = 256 << 20
"""Memory for views. Beyond it, or beyond `MAX_RUNS`, the run of a model goes that moved longest
ago: others may write into our topics, too."""
MAX_RUNS = 5_000
"""Runs shown, each once a model: far more than the shards keep."""
VALUE_BYTES = 40
"""What a value takes in memory beside its text."""
MAX_CUT_RUNS = 5_000
"""Runs remembered of which alerts were dropped; some 1 MB."""
MAX_AUDITS = 64
"""Runs whose audit is kept."""
SPEED_SPAN_S = 10.0
GOING_S = 2 * 3600.0
"""A run that has not ended goes on for so long after its last news: a live feed's come hourly."""
MAX_TOMBSTONES = 20_000
"""Tombstones whose epochs are remembered; some 5 MB. A late view of a former owner must not bring
a forgotten run back."""

WEEK_S = 7 * 86_400
WindowOfNode = tuple[float, float, float]
"""A window's end (epoch seconds), and a node's stress (h) and risk in it."""
ViewKey = tuple[str, str, int]
"""Model, run and shard."""


class ReceivedAlert(Struct, frozen=True, gc=False):
    """An alert and the broker's time of it, in epoch seconds."""

    received_at: float
    alert: RiskAlert


_RECEIVED_AT = attrgetter("received_at")


@dataclass
class RunView:
    """One run of one model: the newest view of each shard, its epoch, and the memory it takes."""

    shards: dict[int, ShardView] = field(default_factory=dict)
    epochs: dict[int, ViewEpoch] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    progress: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=64))

    @property
    def published_at(self) -> float:
        """When the newest part was published, by the broker's clock."""
        return max(view.published_at for view in self.shards.values())

    @property
    def started_ms(self) -> int:
        """When its first frame was sent, by the broker's clock."""
        return min(view.started_ms for view in self.shards.values())

    @property
    def event_time_s(self) -> float | None:
        """The newest event time of any shard."""
        return max(
            (v.event_time_s for v in self.shards.values() if v.event_time_s is not None),
            default=None,
        )

    @property
    def watermark_s(self) -> float | None:
        """The least watermark of the shards, or None while one has none."""
        marks = [view.watermark_s for view in self.shards.values()]
        return None if None in marks else min(m for m in marks if m is not None)

    @property
    def ended(self) -> bool:
        """Whether every shard has seen the end of every zone."""
        return all(view.ended for view in self.shards.values())

    def speed(self, now: float) -> float | None:
        """Event seconds per second over the last seconds, or None when nothing moves.

        ``now`` is the broker's time, epoch seconds.
        """
        if self.ended or not self.progress or now - self.progress[-1][0] > SPEED_SPAN_S:
            return None
        newest_at, newest_s = self.progress[-1]
        for at, event_s in self.progress:
            if newest_at - at <= SPEED_SPAN_S:
                return (newest_s - event_s) / (newest_at - at) if newest_at > at else None
        return None


def of_node(window: RiskWindow, node_id: str) -> WindowOfNode:
    """A node in a window, from which those without stress are left out."""
    end_s = window.window_end.timestamp()
    if node_id not in window.nodes:
        return end_s, 0.0, 0.0
    i = window.nodes.index(node_id)
    return end_s, float(window.stress[i]), float(window.risk[i])


def memory_of(raw: bytes) -> int:
    """Bytes that a record takes once it is decoded from JSON, within a factor of two."""
    return len(raw) + VALUE_BYTES * raw.count(b",")


def _record_memory(record: RunRecord | None) -> int:
    return 0 if record is None else memory_of(encode(record))


class Store:
    """Views, alerts and final windows of all runs; ``version`` grows with every change.

    ``shape`` refuses what is not of the grid that is shown.
    """

    def __init__(
        self, history: History | None = None, shape: RecordValidator | None = None
    ) -> None:
        self.version = 0
        self.clock = BrokerClock()
        self.replays = KnownReplays(self.clock)
        self.shape = shape
        self._history = history
        self.workers: dict[str, WorkerStatus] = {}
        nodes = len(shape.grid.nodes) if shape else 0
        self._episodes: dict[str, EpisodeBook] = defaultdict(
            lambda: EpisodeBook(max(MAX_ALERTS, EPISODES_A_NODE * nodes))
        )
        self.runs: dict[tuple[str, str], RunView] = {}
        self._view_bytes = self._record_bytes = 0
        self._dropped: dict[ViewKey, ViewEpoch] = {}
        self.records: dict[str, RunRecord] = {}
        self.audits: dict[str, tuple[float, AuditStatus]] = {}
        self._alerts: dict[str, dict[str, ReceivedAlert]] = defaultdict(dict)
        self._windows = KeptWindows()
        self._loads = KeptLoads(shape.grid.zones if shape else None)
        self._cut: dict[str, None] = {}

    def apply_view(self, raw: bytes, at_s: float, epoch: ViewEpoch) -> None:
        """Take a shard's view, unless it is of a former owner of the shard.

        Parameters
        ----------
        raw
            A ShardView as JSON. Views of a model, run and shard come in the order of the log.
        at_s
            When it was appended to the log, epoch seconds; the publisher's clock may be wrong.
        epoch
            The epoch in which it was published.
        """
        view = msgspec.json.decode(raw, type=ShardView)
        if self.shape is not None:
            self.shape.check_view(view)
        self.clock.saw(at_s)
        key = (view.model, view.run, view.shard)
        if not self._is_newest(key, epoch):
            return
        self._dropped.pop(key, None)
        view.published_at = at_s
        run = self.runs.pop((view.model, view.run), None) or RunView()
        self.runs[view.model, view.run] = run  # the last one to go
        size = memory_of(raw)
        self._view_bytes += size - run.sizes.get(view.shard, 0)
        run.shards[view.shard], run.epochs[view.shard], run.sizes[view.shard] = view, epoch, size
        event_s = run.event_time_s
        if event_s is not None and (not run.progress or event_s > run.progress[-1][1]):
            run.progress.append((at_s, event_s))
        while self._view_bytes > MAX_VIEW_BYTES or len(self.runs) > MAX_RUNS:
            oldest = self.runs.pop(next(iter(self.runs)))
            self._view_bytes -= sum(oldest.sizes.values())
        self.version += 1

    def _is_newest(self, key: ViewKey, epoch: ViewEpoch) -> bool:
        model, run, shard = key
        view = self.runs.get((model, run))
        known = (view and view.epochs.get(shard)) or self._dropped.get(key)
        return known is None or epoch.replaces(known)

    def apply_status(self, raw: bytes, at_s: float) -> None:
        """Take a worker's status, which was appended to the log at a time in epoch seconds."""
        status = msgspec.json.decode(raw, type=WorkerStatus)
        self.clock.saw(at_s)
        # Its own clock may be wrong: only how far two of its times are apart is used.
        started_at = status.started_at + at_s - status.seen_at
        self.workers[status.worker] = replace(status, started_at=started_at, seen_at=at_s)
        silent = [name for name, w in self.workers.items() if at_s - w.seen_at > GONE_S]
        for name in silent:
            del self.workers[name]

    def apply_record(self, run: str, record: RunRecord | None) -> None:
        """Take what the sender of a run says of it; None deletes it."""
        known = self.records.pop(run, None)
        self._record_bytes -= _record_memory(known)
        if record is not None:
            self.records[run] = record
            self._record_bytes += _record_memory(record)
        while self._record_bytes > MAX_RECORD_BYTES:
            self._record_bytes -= _record_memory(self.records.pop(next(iter(self.records))))
        self.version += 1

    def apply_audit(self, raw: bytes, at_s: float) -> None:
        """Take what the auditor says of a run, appended to the log at a time in epoch seconds."""
        status = msgspec.json.decode(raw, type=AuditStatus)
        self.clock.saw(at_s)
        self.audits.pop(status.run, None)
        self.audits[status.run] = (at_s, status)
        if len(self.audits) > MAX_AUDITS:
            del self.audits[next(iter(self.audits))]
        self.version += 1

    def drop_view(self, model: str, run: str, shard: int, epoch: ViewEpoch) -> None:
        """Forget a shard's view of a run that the shard's owner of this epoch has forgotten."""
        key = (model, run, shard)
        if not self._is_newest(key, epoch):
            return
        self._dropped.pop(key, None)
        self._dropped[key] = epoch
        if len(self._dropped) > MAX_TOMBSTONES:
            del self._dropped[next(iter(self._dropped))]
        known = self.runs.get((model, run))
        if known is not None and known.shards.pop(shard, None) is not None:
            del known.epochs[shard]
            self._view_bytes -= known.sizes.pop(shard)
            if not known.shards:
                del self.runs[model, run]
                if self._history is not None:
                    self._history.forget(run)
            self.version += 1

    def apply_alert(self, raw: bytes, received_at: float) -> None:
        """Take an alert; one that was sent again is known already."""
        alert = decode(raw, RiskAlert)
        alerts = self._alerts[alert.model]
        if alert.alert_id in alerts:
            return
        alerts[alert.alert_id] = ReceivedAlert(received_at, alert)
        self._episodes[alert.model].add(alert, received_at)
        if len(alerts) > MAX_ALERTS:
            self._forget_oldest(alerts)
        self.version += 1

    def _forget_oldest(self, alerts: dict[str, ReceivedAlert]) -> None:
        for item in sorted(alerts.values(), key=_RECEIVED_AT)[: MAX_ALERTS // 4]:
            del alerts[item.alert.alert_id]
            self._cut.pop(item.alert.run, None)
            self._cut[item.alert.run] = None  # the last one to go
        while len(self._cut) > MAX_CUT_RUNS:
            del self._cut[next(iter(self._cut))]

    def apply_window(self, raw: bytes, model: str, shard: int) -> None:
        """Keep a final window as it came: most of it is read only when it is asked for."""
        head = decode(raw, WindowHead)
        if self.shape is not None:
            self.shape.check_head(head, model, shard)
        kept = KeptWindow(head.window_end.timestamp(), float(head.risk.max(initial=0.0)), raw)
        self._windows.add(head.run, (model, shard), kept)
        if self._history is not None:
            self._history.add(head, raw)
        self.version += 1

    def apply_measurements(self, raw: bytes) -> None:
        """Keep a frame of loads as it came, unless it is none: detection reports that."""
        with suppress(MessageError):
            self.version += self._loads.add(raw)

    def loads(self, run: str, event_s: float) -> Iterable[LoadRow]:
        """The newest row of each zone up to an event time, epoch seconds."""
        return rows_before(self.kept_loads(run), event_s + 1)

    def kept_loads(self, run: str) -> list[list[KeptFrame]]:
        """The frames kept of a run, by zone."""
        return self._loads.of(run)

    def lacks(self, run: str) -> bool:
        """Whether alerts of a run were dropped for later ones."""
        return run in self._cut

    def few_windows(self, model: str, run: str, shard: int) -> bool:
        """Whether fewer windows of a run are kept than there may be."""
        return len(self.windows(model, run, shard)) < MAX_WINDOWS

    def windows(self, model: str, run: str, shard: int) -> Sequence[KeptWindow]:
        """The final windows kept of a run in a shard, in the order in which they came."""
        return self._windows.of(run, (model, shard))

    def runs_of(self, model: str) -> list[str]:
        """Run ids of a model: those that go on before the others, each the one begun last first."""
        now = self.clock.now()
        known = [
            (not view.ended and now - view.published_at < GOING_S, view.started_ms, run)
            for (m, run), view in self.runs.items()
            if m == model
        ]
        return [run for _, _, run in sorted(known, reverse=True)]

    def runs_shown(self, model: str, shard: int, changelog: str) -> list[str]:
        """Runs of which a view of this shard is known, published by the group with it."""
        found = ((run, v.epochs.get(shard)) for (m, run), v in self.runs.items() if m == model)
        return [run for run, epoch in found if epoch and epoch.changelog == changelog]

    def alerts(self, model: str, run: str, since: float = 0.0) -> list[ReceivedAlert]:
        """Alerts of a run received since then, newest first."""
        found = [
            item
            for item in self._alerts[model].values()
            if item.received_at >= since and item.alert.run == run
        ]
        return sorted(found, key=_RECEIVED_AT)[::-1]

    def episodes(self, model: str, run: str) -> list[Episode]:
        """Episodes of a run, the one raised last first."""
        return self._episodes[model].of(run)

    def forgotten_until(self, models: Sequence[str], run: str) -> float | None:
        """Event time up to which episodes of one of these models may be forgotten; or None."""
        ends = (self._episodes[model].forgotten_until(run) for model in models)
        return max((end for end in ends if end is not None), default=None)

    def week(self, model: str, run: str, shard: int, node_id: str) -> list[WindowOfNode]:
        """A node of a shard in the final windows of a run's last week, oldest first, each once."""
        found = (self.read(kept.raw) for kept in self.windows(model, run, shard))
        by_end = {w.window_end.timestamp(): w for w in found if w is not None}
        since_s = max(by_end, default=0.0) - WEEK_S
        return [of_node(by_end[end_s], node_id) for end_s in sorted(by_end) if end_s >= since_s]

    def panes(self, model: str, run: str, shard: int) -> list[PaneView]:
        """The panes of a run in a shard that are still needed, oldest first."""
        view = self.runs.get((model, run))
        part = view.shards.get(shard) if view else None
        return part.panes if part else []

    def last_window(self, model: str, run: str, shard: int) -> RiskWindow | None:
        """The newest final window of a run in a shard."""
        for kept in reversed(self.windows(model, run, shard)):
            window = self.read(kept.raw)
            if window is not None:
                return window
        return None

    def agreement(self, run: str) -> list[Point]:
        """How the models have agreed over a run, oldest window first; compares some more of it."""
        return self._history.points(run) if self._history else []

    def to_compare(self, run: str) -> int:
        """How many windows of a run have not been compared yet."""
        return self._history.to_compare(run) if self._history else 0

    def read(self, raw: bytes) -> RiskWindow | None:
        """A window that was kept; None if it is not of the grid that is shown."""
        try:
            window = decode(raw, RiskWindow)
            if self.shape is not None:
                self.shape.check_window(window)
        except MessageError as error:
            log.warning("cannot show a final window: %s", error)
            return None
        return window
