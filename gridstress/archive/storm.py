"""A stretch of an archived run as one HTML file that needs nothing else."""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from gridstress import __version__
from gridstress.archive.reading import ArchivedRun
from gridstress.group_settings.fingerprint import grid_fingerprint
from gridstress.settings import Settings
from topology.clock import to_datetime, to_iso
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import RiskAlert, RunRecord, decode
from topology.models import title_of
from ui.dashboard.figures.outline import OUTLINES
from ui.dashboard.style.theme import NIGHT_SCALE, RISK_SCALE

MAX_BYTES = 5_000_000
"""Size of the file, at most: what a mail takes."""
MAX_WINDOWS = 24 * 366
DAY_S = 86_400
"""No row stands for longer."""
SCALE = 10_000
"""Risks are written as integers, in parts of 1/10,000."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Storm:
    """What the page shows: windows that end from ``begin_s`` to ``end_s``, epoch seconds.

    Raises
    ------
    DataError
        If the run is of another grid, or has no final window in that stretch.
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
                [node.id, node.name, node.zone, node.lat, node.lon, node.rating_mw]
                for node in self.grid.nodes
            ],
            "lines": [
                [index[line.source], index[line.target], line.voltage_kv]
                for line in self.grid.lines
            ],
            "outline": OUTLINES.get(self.grid.name, ()),
            "loads": list(self._loads(ends_s)),
            "models": [
                {
                    "name": model,
                    "title": title_of(model),
                    "windows": self._windows(model, ends_s),
                    "episodes": self._episodes(model, ends_s),
                }
                for model in self.settings.model_names
            ],
        }

    def _checked_record(self) -> RunRecord | None:
        record = self.run.record()
        if record is not None and record.grid_fingerprint != grid_fingerprint(self.grid):
            raise DataError(
                f"run {self.run.name!r} is of another grid ({record.grid})",
                hint="set GRIDSTRESS_TOPOLOGY as it was",
            )
        return record

    def _ends(self) -> list[int]:
        """Ends of the windows shown: every step from the first final one to the last."""
        if not self.begin_s < self.end_s:
            raise UsageError("--from must be before --to")
        model = self.settings.model_names[0]
        found = [
            int(end_s)
            for end_s, _, _ in self.run.extremes(model)
            if self.begin_s <= end_s <= self.end_s
        ]
        if not found:
            raise DataError(
                f"run {self.run.name!r} has no final window from {to_iso(self.begin_s)} to "
                f"{to_iso(self.end_s)}",
                hint="`gridstress history list` shows the runs' periods",
            )
        ends_s = list(islice(range(found[0], found[-1] + 1, self.settings.step_s), MAX_WINDOWS + 1))
        if len(ends_s) > MAX_WINDOWS:
            raise UsageError(f"the stretch has more than {MAX_WINDOWS:,} windows")
        return ends_s

    def _windows(self, model: str, ends_s: Sequence[int]) -> list[list[list[int]] | None]:
        """Of each window the places of its nodes and their risks; None of one that is missing."""
        found: dict[int, list[list[int]]] = {}
        for window in self.run.windows_until([model], to_datetime(ends_s[-1])):
            end_s = int(window.window_end.timestamp())
            if end_s >= ends_s[0]:
                risks = zip(window.nodes, window.risk, strict=True)
                shown = [(self.grid.index[node], round(risk * SCALE)) for node, risk in risks]
                found[end_s] = [[i for i, risk in shown if risk], [r for _, r in shown if r]]
        return [found.get(end_s) for end_s in ends_s]

    def _episodes(self, model: str, ends_s: Sequence[int]) -> list[Json]:
        """The alarms open in the stretch: node, peak risk, and steps of level by window end."""
        episodes: dict[str, Json] = {}
        for found in self.run.alerts(model, to_datetime(ends_s[-1])):
            alert = decode(found.value, RiskAlert)
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
            if episode["steps"][-1][1] or episode["steps"][-1][0] >= ends_s[0]
        ]

    def _loads(self, ends_s: Sequence[int]) -> Iterator[list[int | None]]:
        """Every node's load in the last step of each window, in tenths of a MW."""
        rows = list(self.run.loads(ends_s[0] - DAY_S, ends_s[-1]))
        newest: dict[str, tuple[float, int]] = {}
        place = 0
        for end_s in ends_s:
            while place < len(rows) and rows[place][0] < end_s:
                time_s, nodes, load_mw, period_s = rows[place]
                for node, mw in zip(nodes, load_mw, strict=True):
                    newest[node] = time_s + period_s, round(mw * 10)
                place += 1
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
