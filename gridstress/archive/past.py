"""Archived runs for the web views: stores as of a moment, read from files when they are asked."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from agents.detection import stress_of
from gridstress.archive.beside import READING_S, PairedWindows, all_taken
from gridstress.archive.files import NAME, run_folder, run_folders
from gridstress.archive.history import summary
from gridstress.archive.query import read_archive
from gridstress.archive.reading import ArchivedRun
from gridstress.group_settings.fingerprint import grid_fingerprint
from tables.shard_view import PaneView
from tables.sparse import SparseVector
from tables.windows import WindowSpec
from topology.errors import DataError
from topology.grid import Grid
from topology.messages import LEVELS, Floats, RiskWindow
from topology.models import Matrix
from topology.shards import shard_nodes
from ui.api.agreement_history import History, Point
from ui.api.episodes import Episode
from ui.api.kept_loads import LoadRow
from ui.api.moments import make_up, raise_peaks, run_view
from ui.api.past import Answer
from ui.api.view_store import ReceivedAlert, RunView, Store, WindowOfNode
from ui.schema.runs import PastRun

logger = logging.getLogger(__name__)

KEPT_STORES = 8
VALUES_AT_ONCE = 20_000
"""Nodes times windows that are read at once."""
MAX_NAME = 160
"""Characters of a run's name in the archive, at most."""
STANDS_FOR = "archive"
"""In place of the worker that has published a shard."""


@dataclass
class Archives:
    """The archive in a directory, as workers of one grid show it; may be asked by many threads.

    ``warning`` is the risk from which on a node counts as alarmed in the models' agreement;
    ``spec`` and ``threshold`` are those of the stages.
    """

    home: Path
    grid: Grid
    partitions: int
    warning: float
    influence: Mapping[str, Matrix]
    spec: WindowSpec
    threshold: float
    _stores: OrderedDict[Any, "PastStore"] = field(default_factory=OrderedDict)
    _summaries: dict[Path, tuple[int, PastRun]] = field(default_factory=dict)
    _pairs: OrderedDict[Any, PairedWindows] = field(default_factory=OrderedDict)
    _lock: RLock = field(default_factory=RLock)

    def has(self, run: str) -> bool:
        """Whether there is such a run; takes no longer than to look for a file."""
        return 0 < len(run) <= MAX_NAME and (run_folder(self.home, run) / NAME).exists()

    def state(self, run: str) -> int:
        """A number that changes whenever anything is added to the run; 0 if it is gone."""
        return ArchivedRun(run_folder(self.home, run)).written_ns() // 1_000_000

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Answer a question that reads the archive; errors as of `read_archive`."""
        return read_archive(self.home, question)

    def runs(self) -> list[PastRun]:
        """The archived runs, the one written last first.

        Raises
        ------
        DataError
            If there is no archive.
        """
        if not self.home.is_dir():
            raise DataError(f"this worker has no archive at {self.home}")
        folders = run_folders(self.home)
        with self._lock:
            known = {folder: self._summary(folder) for folder in folders}
            self._summaries = {folder: found for folder, found in known.items() if found}
            runs = [run for _, run in self._summaries.values() if run.run]
        return sorted(runs, key=lambda run: -run.written_at)

    def store(self, run: str, at_s: float | None = None, model: str | None = None) -> Store:
        """Give a store that has a run as it was when its last window up to a time was final.

        Parameters
        ----------
        at_s
            Event time, epoch seconds; None for the end of the run.
        model
            The one that is asked about; None for all.

        Raises
        ------
        DataError
            If there is no such run, or it is of another grid.
        """
        folder = self._folder(run)
        key = run, at_s, model, self.state(run)
        with self._lock:
            known = self._stores.get(key)
            if known is None:
                archived = ArchivedRun(folder)
                self._check_grid(archived)
                models = [model] if model else self.models
                known = self._stores[key] = PastStore(archived, self, models, at_s)
            self._stores.move_to_end(key)
            while len(self._stores) > KEPT_STORES:
                self._stores.popitem(last=False)
        return known

    def summary(self, run: str) -> PastRun | None:
        """What is known of a run, None if its files cannot be read; errors as of `store`."""
        folder = self._folder(run)
        with self._lock:
            found = self._summary(folder)
            if found is not None:
                self._summaries[folder] = found
        return found[1] if found else None

    def paired(self, runs: tuple[str, str], models: tuple[str, str], shift_s: int) -> PairedWindows:
        """Two runs of this grid, each under a model; errors as of `store`."""
        first, second = (ArchivedRun(self._folder(run)) for run in runs)
        # A run that was archived anew under the same name is another one.
        made = [(run.folder / NAME).stat().st_mtime_ns for run in (first, second)]
        key = runs, models, shift_s, *made
        with self._lock:
            if key not in self._pairs:
                for archived in (first, second):
                    self._check_grid(archived)
                self._pairs[key] = PairedWindows(
                    (first, second), models, self.grid.index, self.warning, shift_s
                )
            self._pairs.move_to_end(key)
            while len(self._pairs) > KEPT_STORES:
                self._pairs.popitem(last=False)
            return self._pairs[key]

    def extremes(
        self, run: str, model: str, after_s: float | None = None
    ) -> list[tuple[float, float, int]]:
        """Each window's end (epoch seconds), highest risk and alarms raised; errors as `store`."""
        after = None if after_s is None else datetime.fromtimestamp(after_s, UTC)
        return ArchivedRun(self._folder(run)).extremes(model, after)

    @property
    def models(self) -> list[str]:
        """The models' names."""
        return list(self.influence)

    @cached_property
    def shards(self) -> tuple[tuple[int, ...], ...]:
        """For each shard the grid positions of its nodes."""
        return shard_nodes(self.grid, self.partitions)

    def _folder(self, run: str) -> Path:
        if not self.has(run):
            raise DataError(f"the archive has no run {run!r}")
        return run_folder(self.home, run)

    def _summary(self, folder: Path) -> tuple[int, PastRun] | None:
        import duckdb

        try:
            state = folder.stat().st_mtime_ns
            known = self._summaries.get(folder)
            return known if known and known[0] == state else (state, summary(folder))
        except (duckdb.Error, OSError) as error:
            logger.warning("an archived run is left out: %s: %s", folder, error)
            return None

    def _check_grid(self, archived: ArchivedRun) -> None:
        record = archived.record()
        if record is not None and record.grid_fingerprint != self._fingerprint:
            raise DataError(
                f"run {record.run!r} is of another grid ({record.grid})",
                hint="GRIDSTRESS_TOPOLOGY says which grid the workers show",
            )

    @cached_property
    def _fingerprint(self) -> str:
        return grid_fingerprint(self.grid)


class PastStore(Store):
    """A run at a moment; alerts, histories and windows before it are read once they are asked for.

    Every node's risk and stress are those of the final window; what has no stress has none.
    """

    def __init__(
        self, run: ArchivedRun, archives: Archives, models: Sequence[str], at_s: float | None
    ) -> None:
        super().__init__()
        self._run, self._archives = run, archives
        self._state = self.version = archives.state(run.name)
        self._until = None if at_s is None else datetime.fromtimestamp(at_s, UTC)
        self._asked: set[str] = set()
        self._peaked: set[str] = set()
        self._lock = RLock()
        self._agreement = History(archives.grid.index, archives.models, 1, archives.warning)
        self._before: dict[str, RiskWindow | None] = {}
        record = run.record()
        if record is not None:
            self.records[run.name] = record
        for model in models:
            self.runs[model, run.name] = self._view(model, *run.window_at(model, self._until))
        self._models = models
        self._unread: Iterator[RiskWindow] | None = self._all_windows(models)

    def _end(self, model: str) -> datetime | None:
        """Up to when something of a model counts: shards may have come further than others."""
        view = self.runs.get((model, self._run.name))
        if self._until is None or view is None or view.event_time_s is None:
            return self._until
        return datetime.fromtimestamp(view.event_time_s, UTC)

    def _view(self, model: str, window: RiskWindow | None, written_s: float) -> RunView:
        index, n = self._archives.grid.index, len(self._archives.grid.nodes)
        risk, stress, level = np.zeros(n), np.zeros(n), np.zeros(n, dtype=int)
        end_s = None
        if window is not None:
            if not set(window.nodes) <= index.keys():
                raise DataError(f"run {self._run.name!r} is of another grid")
            places = [index[node] for node in window.nodes]
            risk[places], stress[places] = window.risk, window.stress
            for node, name in self._run.levels_at(model, window.window_end).items():
                level[index[node]] = LEVELS.index(name) + 1
            end_s = int(window.window_end.timestamp())
        record = self.records.get(self._run.name)
        started_ms = int(record.began.timestamp() * 1000) if record else 0
        head = (model, self._run.name, STANDS_FOR, written_s, started_ms)
        return run_view(head, self._archives.shards, end_s, (risk, stress, level), ended=True)

    def _all_windows(self, models: Sequence[str]) -> Iterator[RiskWindow]:
        ends = [end for end in map(self._end, models) if end is not None]
        at_once = max(1, VALUES_AT_ONCE // len(self._archives.grid.nodes))
        until = min(ends, default=None)
        return self._run.windows_until(self._archives.models, until, at_once=at_once)

    def alerts(self, model: str, run: str, since: float = 0.0) -> list[ReceivedAlert]:
        """Alerts up to the moment, newest first."""
        self._read_alerts(model)
        return super().alerts(model, self._run.run, since)

    def episodes(self, model: str, run: str) -> list[Episode]:
        """Episodes as they were at the moment, the one raised last first."""
        self._read_alerts(model)
        found = super().episodes(model, self._run.run)
        still_open = [episode for episode in found if episode.cleared_s is None]
        end_s = self.runs[model, self._run.name].event_time_s
        with self._lock:
            if still_open and end_s is not None and model not in self._peaked:
                self._peaked.add(model)
                first_s = min(episode.raised_s for episode in still_open)
                span = timedelta(seconds=end_s - first_s + 1)
                raise_peaks(still_open, self._run.windows_until([model], self._end(model), span))
        return found

    def week(self, model: str, run: str, shard: int, node_id: str) -> list[WindowOfNode]:
        """A node in the windows of a week up to the moment, oldest first."""
        return self._run.node_until(model, node_id, self._end(model), timedelta(days=7))

    def last_window(self, model: str, run: str, shard: int) -> RiskWindow | None:
        """The window before that of the moment, of the whole grid; the same for every shard."""
        if model not in self._before:
            view = self.runs.get((model, run))
            end_s = view.event_time_s if view else None
            before = None if end_s is None else datetime.fromtimestamp(end_s - 1, UTC)
            self._before[model] = self._run.window_at(model, before)[0] if before else None
        return self._before[model]

    def panes(self, model: str, run: str, shard: int) -> list[PaneView]:
        """The panes of the moment's window, made of its measurements.

        None if their sum is not the window: some rows were not counted.
        """
        view = self.runs[model, run].shards[shard]
        if view.window_end_s is None:
            return []
        members = list(self._archives.shards[shard])
        reach = self._archives.influence[model][:, members].T
        panes = []
        for start_s, source in self._sources(view.window_end_s).items():
            panes.append(
                PaneView(
                    start_s=start_s,
                    stress=SparseVector.of(reach @ source),
                    source_stress=SparseVector.of(source),
                )
            )
        return panes if make_up(panes, view.stress) else []

    def loads(self, run: str, event_s: float) -> Iterable[LoadRow]:
        """The rows that stand for the time up to the end of the moment's window."""
        return self._run.loads_at(event_s)

    def _sources(self, end_s: int) -> dict[int, Floats]:
        """Each node's own stress by the start of a pane of the window that ends then."""
        grid, spec = self._archives.grid, self._archives.spec
        found = {start_s: np.zeros(len(grid.nodes)) for start_s in spec.panes_in(end_s)}
        for time_s, nodes, load_mw, period_s in self._run.loads(end_s - spec.size_s, end_s):
            index = [grid.index[node] for node in nodes if node in grid.index]
            if len(index) == len(nodes):
                stress = stress_of(
                    np.array(load_mw), grid.ratings_mw[index], self._archives.threshold, period_s
                )
                found[spec.pane_of(time_s)][index] += stress
        return found

    def _read_alerts(self, model: str) -> None:
        with self._lock:
            if model in self._asked:
                return
            for record in self._run.alerts(model, self._end(model)):
                self.apply_alert(record.value or b"", record.timestamp / 1000)
            self._asked.add(model)
            self.version = self._state

    def agreement(self, run: str) -> list[Point]:
        """How the models have agreed up to the moment; reads and compares some more of it."""
        with self._lock:
            if (reading := self._unread) is not None:
                self._unread = self._all_windows(self._models)  # what fails is begun anew
                taken = all_taken(
                    reading, self._agreement, self._run.run, time.monotonic() + READING_S
                )
                self._unread = None if taken else reading
            return self._agreement.points(self._run.run)

    def to_compare(self, run: str) -> int:
        """How many windows have not been compared yet; one more while not all are read."""
        return self._agreement.to_compare(self._run.run) + (self._unread is not None)
