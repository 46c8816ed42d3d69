"""A stretch of an archived run as one HTML file that needs nothing else."""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from gridstress import __version__
from gridstress.archive.past import VALUES_AT_ONCE
from gridstress.archive.reading import ArchivedRun
from gridstress.group_settings.fingerprint import fingerprint, grid_fingerprint
from gridstress.settings import Settings
from topology.clock import to_datetime, to_iso
from topology.codec import decode
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import RiskAlert
from topology.models import title_of
from topology.run_messages import RunRecord
from ui.dashboard.figures.outline import OUTLINES
from ui.dashboard.style.theme import NIGHT_SCALE, RISK_SCALE

MAX_BYTES = 5_000_000
"""Size of the file, at most: what a mail takes."""
MAX_WINDOWS = 24 * 366
DAY_S = 86_400
"""No row stands for longer."""
MAX_VALUES = 20_000_000
"""Nodes times windows of a page, at most: more would not fit into it."""
SCALE = 10_000
"""Risks are written as integers, in parts of 1/10,000."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Storm:
    """What the page shows: windows that end from ``begin_s`` to ``end_s``, epoch seconds.

    Raises
    ------
    DataError
        If the run is of another grid, was worked on with other settings, or has no final window in
        that stretch.
    UsageError
        If the stretch is no stretch, or too long.
    """

    run: ArchivedRun
    grid: Grid
    settings: Settings
    begin_s: float
    end_s: float

    def page(self) -> bytes:
        """The HTML file.

        Raises
        ------
        UsageError
            If it is larger than 5 MB.
        """
        template = files("gridstress.archive").joinpath("storm.html").read_text("utf-8")
        packed = zlib.compress(json.dumps(self.content(), separators=(",", ":")).encode(), 9)
        page = template.replace("{{ data }}", b64encode(packed).decode()).encode()
        if len(page) > MAX_BYTES:
            raise UsageError(
                f"the page would have {len(page):,} bytes; {MAX_BYTES:,} are allowed",
                hint="choose a shorter stretch with --from and --to",
            )
        return page

    def content(self) -> Json:
        """What the page is made of: the grid, and each model's windows and episodes."""
        record = self._checked_record()
        ends_s = self._ends()
        index = self.grid.index
        return {
            "run": self.run.name,
            "source": record.source if record else "",
            "credit": " ".join(filter(None, (self.grid.credit, record.credit if record else ""))),
            "synthetic": record.synthetic if record else None,
            "grid": self.grid.name,
            "version": __version__,
            "first": ends_s[0],
            "step": self.settings.step_s,
            "count": len(ends_s),
            "levels": {
                "WARNING": self.settings.level_warning,
                "HIGH": self.settings.level_high,
                "CRITICAL": self.settings.level_critical,
            },
            "scales": {"light": RISK_SCALE, "dark": NIGHT_SCALE},
            "nodes": [
                [node.id, node.name, node.zone, node.lat, node.lon, node.known_rating_mw]
                for node in self.grid.nodes
            ],
            "lines": [
                [index[line.source], index[line.target], line.voltage_kv]
                for line in self.grid.lines
            ],
            "outline": OUTLINES.get(self.grid.name, ()),
            "loads": list(self._loads(ends_s)),
            "models": [self._model(model, ends_s) for model in self.settings.model_names],
        }

    def _model(self, model: str, ends_s: Sequence[int]) -> Json:
        windows, episodes = self._windows(model, ends_s), self._episodes(model, ends_s)
        for episode in episodes:
            # Alerts are steps alone: of one that is still open, windows may have been higher.
            (raised_s, _), (last_s, level) = episode["steps"][0], episode["steps"][-1]
            begin = max(0, (raised_s - ends_s[0]) // self.settings.step_s)
            end = None if level else max(0, (last_s - ends_s[0]) // self.settings.step_s)
            for window in windows[begin:end]:
                if window and episode["node"] in window[0]:
                    risk = window[1][window[0].index(episode["node"])]
                    episode["peak"] = max(episode["peak"], risk)
        return {"name": model, "title": title_of(model), "windows": windows, "episodes": episodes}

    def _checked_record(self) -> RunRecord | None:
        record = self.run.record()
        if record is None:
            return None
        if record.grid_fingerprint != grid_fingerprint(self.grid):
            raise self._of_another_grid(record.grid)
        if record.settings_fingerprint != fingerprint(self.settings, self.grid):
            raise DataError(
                f"run {self.run.name!r} was worked on with other settings than these",
                hint="set GRIDSTRESS_MODELS, the levels, the windows and the others as they were",
            )
        return record

    def _of_another_grid(self, grid: str = "") -> DataError:
        return DataError(
            f"run {self.run.name!r} is of another grid{grid and f' ({grid})'}",
            hint="set GRIDSTRESS_TOPOLOGY as it was",
        )

    def _ends(self) -> list[int]:
        """Ends of the windows shown: every step from the first final one to the last."""
        if not self.begin_s < self.end_s:
            raise UsageError("--from must be before --to")
        final = self.run.extremes(self.settings.model_names[0])
        found = [int(end_s) for end_s, _, _ in final if self.begin_s <= end_s <= self.end_s]
        if not found:
            raise DataError(
                f"run {self.run.name!r} has no final window from {to_iso(self.begin_s)} to "
                f"{to_iso(self.end_s)}",
                hint="`gridstress history list` shows the runs' periods",
            )
        ends_s = list(islice(range(found[0], found[-1] + 1, self.settings.step_s), MAX_WINDOWS + 1))
        if len(ends_s) > MAX_WINDOWS:
            raise UsageError(f"the stretch has more than {MAX_WINDOWS:,} windows")
        if len(ends_s) * len(self.grid.nodes) > MAX_VALUES:
            raise UsageError(
                f"{len(ends_s):,} windows of {len(self.grid.nodes):,} nodes are too many",
                hint="choose a shorter stretch with --from and --to",
            )
        return ends_s

    def _windows(self, model: str, ends_s: Sequence[int]) -> list[list[list[int]] | None]:
        """Of each window the places of its nodes and their risks; None of one that is not final."""
        index, found = self.grid.index, dict[float, list[list[int]]]()
        span = timedelta(seconds=ends_s[-1] - ends_s[0] + 1)
        until, at_once = to_datetime(ends_s[-1]), max(1, VALUES_AT_ONCE // len(index))
        for window in self.run.windows_until([model], until, span, at_once=at_once):
            if not set(window.nodes) <= index.keys():
                raise self._of_another_grid()
            risks = zip(window.nodes, window.risk.tolist(), strict=True)
            shown = [(index[node], round(risk * SCALE)) for node, risk in risks]
            found[window.window_end.timestamp()] = [
                [i for i, risk in shown if risk],
                [risk for _, risk in shown if risk],
            ]
        return [found.get(end_s) for end_s in ends_s]

    def _episodes(self, model: str, ends_s: Sequence[int]) -> list[Json]:
        """The alarms open in the stretch: node, peak risk, and steps of level by window end."""
        episodes: dict[str, Json] = {}
        for found in self.run.alerts(model, to_datetime(ends_s[-1])):
            alert = decode(found.value, RiskAlert)
            if alert.node_id not in self.grid.index:
                raise self._of_another_grid()
            episode = episodes.setdefault(
                alert.episode_id,
                {"node": self.grid.index[alert.node_id], "peak": 0, "steps": []},
            )
            peak = alert.risk_score if alert.peak_risk is None else alert.peak_risk
            episode["peak"] = max(episode["peak"], round(peak * SCALE))
            level = "" if alert.state == "CLEARED" else alert.level
            episode["steps"].append([int(alert.window_end.timestamp()), level])
        for episode in episodes.values():
            episode["steps"].sort()
        return [
            episode
            for episode in episodes.values()
            # One of which only the end is known has no level.
            if any(level for _, level in episode["steps"])
            and (episode["steps"][-1][1] or episode["steps"][-1][0] >= ends_s[0])
        ]

    def _loads(self, ends_s: Sequence[int]) -> Iterator[list[int | None]]:
        """Every node's load in the last step of each window, in tenths of a MW."""
        rows = self.run.loads(ends_s[0] - DAY_S, ends_s[-1])
        row = next(rows, None)
        newest: dict[str, tuple[float, int]] = {}
        for end_s in ends_s:
            while row is not None and row[0] < end_s:
                time_s, nodes, load_mw, period_s = row
                for node, mw in zip(nodes, load_mw, strict=True):
                    newest[node] = time_s + period_s, round(mw * 10)
                row = next(rows, None)
            known = (newest.get(node, (0.0, 0)) for node in self.grid.ids)
            yield [tenths if until_s >= end_s else None for until_s, tenths in known]


def write_storm(path: Path, storm: Storm) -> int:
    """Write the page, and give its size in bytes; errors as of `Storm`.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    page = storm.page()
    try:
        path.write_bytes(page)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from None
    return len(page)
