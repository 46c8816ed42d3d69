"""What is fuzzed: each target takes any bytes and raises only if a promise is broken.

The promises: a parser raises nothing but the errors it declares, and a record that cannot be used
becomes a dead letter, with a reason that is not ours.
"""

import asyncio
import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from agents.alarms import Thresholds
from agents.counters import StageCounters
from agents.dead_letters import DeadLetters
from agents.detection import Detection, DetectionStage
from agents.kept_runs import KeptRuns
from agents.propagation import Propagation, PropagationStage
from agents.risk import RiskModel
from agents.risk_stage import RiskStage
from agents.running import Stage, run_stage
from gridstress.datasets.fitting import check_jumps, fitted, resampled
from gridstress.datasets.reading import read_load
from gridstress.datasets.series import NATIONAL
from gridstress.settings import load_settings
from gridstress.verify.collect import read_frames_file
from tables.risk_table import RiskTable
from tables.windows import WindowSpec
from tests.fuzz import records, seeds
from tests.fuzz.web import ask
from tests.support.memory import Stream, Table, Topic, halt
from tests.support.workbooks import FIRST_DAY, Cell, workbook
from topology.errors import DataError, UsageError
from topology.grid import Grid, Line, Node
from topology.loaders import load_grid
from topology.models import MODELS, InfluenceParams

MONTH_S = 31 * 86_400


@dataclass(frozen=True)
class Target:
    """A parser under test: inputs without fault, and what is done with any input."""

    seeds: list[bytes]
    check: Callable[[bytes], None]


@cache
def grid() -> Grid:
    """Two zones, three nodes."""
    places = (("a", "north"), ("b", "north"), ("c", "south"))
    return Grid(
        "triangle",
        nodes=tuple(Node(i, i, 50.0, 9.0, z, 0.5, 100.0, 0.8) for i, z in places),
        lines=(Line("a", "b", 10.0, 380.0, 0.5), Line("b", "c", 10.0, 380.0, 0.4)),
        zone_shares={"north": 0.5, "south": 0.5},
    )


@cache
def influence() -> Any:
    return MODELS["linear"].build(grid(), InfluenceParams())


def _detection(dead_letters: DeadLetters, counters: StageCounters) -> Stage:
    return DetectionStage(Detection(grid(), 0.85), Topic(), counters)


def _propagation(dead_letters: DeadLetters, counters: StageCounters) -> Stage:
    return PropagationStage("linear", Propagation(grid(), influence(), 1), Topic(), counters)


def _risk(dead_letters: DeadLetters, counters: StageCounters) -> Stage:
    spec = WindowSpec(step_s=3600, size_s=10_800, lateness_s=3600, max_ahead_s=MONTH_S)
    model = RiskModel("linear", grid(), influence(), 1, spec, Thresholds())
    table = RiskTable(Table(), len(grid().nodes))
    keeps = KeptRuns(model, table)
    return RiskStage(model, table, Topic(), Topic(), dead_letters, counters, 0, keeps)


def stage(make: Callable[[DeadLetters, StageCounters], Stage]) -> Callable[[bytes], None]:
    """A check that sends records to a stage: each is counted or refused, and acked."""

    def check(data: bytes) -> None:
        topic, counters = Topic(), StageCounters()
        dead_letters = DeadLetters(topic)
        events = records.in_stage(data)
        handler = make(dead_letters, counters)
        asyncio.run(run_stage(Stream(events), "stage", handler, dead_letters, halt, {}))
        assert all(event.acked for event in events)
        reported = {(r["headers"]["offset"], r["headers"]["reason"]) for r in topic.sent}
        assert not any(reason == b"failed" for _, reason in reported), topic.sent
        refused = {offset for offset, reason in reported if reason not in (b"late", b"ahead")}
        done = counters.frames.total() + counters.repeated.total()
        assert done + len(refused) == len(events), (counters, reported)
        for record in topic.sent:
            origin = events[int(record["headers"]["offset"])].message
            assert (record["value"], record["headers"]["key"]) == (origin.value, origin.key or b"")

    return check


@cache
def directory() -> Path:
    """A directory in memory where there is one; a hundred thousand files are written."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
    import atexit

    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def load(data: bytes) -> None:
    """Read a load file as `replay` does, up to what would be sent."""
    path = directory() / "load.csv"
    path.write_bytes(data)
    _readable(path)


def mapped_load(data: bytes) -> None:
    """Read a load file with the mapping beside it; ``PART`` divides the two."""
    said, _, table = data.partition(seeds.PART)
    path = directory() / "mapped.csv"
    path.write_bytes(table)
    (directory() / "mapped.csv.mapping.toml").write_bytes(said)
    _readable(path)


def sheet_load(data: bytes) -> None:
    """Read a table as the sheet of a workbook."""
    lines = data.decode("utf-8", "replace").splitlines()
    rows = [[_cell(text) for text in line.split(",")] for line in lines[:500]]
    load(workbook({"Data": rows}))


def sheet_xml_load(data: bytes) -> None:
    """Read a workbook whose sheet has these bytes as its rows."""
    head = [["timestamp", "zone", "load_mw"]]
    load(workbook({"Data": head}, more=data.decode("utf-8", "replace")))


def _cell(text: str) -> Cell:
    try:
        number = float(text.removeprefix("@"))
        if not text.startswith("@"):
            return number
        return FIRST_DAY + dt.timedelta(days=number)
    except (ValueError, OverflowError):
        return text


def _readable(path: Path) -> None:
    for zone in (None, "50Hertz"):
        try:
            series = read_load(path, zone)
            assert np.nan_to_num(np.abs(series.values.to_numpy())).max() < 1e9
            if len(series.values) < 5000:
                series = resampled(series, "1h")
                check_jumps(series, MONTH_S)
                if series.zones != (NATIONAL,):
                    fitted(series, grid())
        except (DataError, UsageError) as error:
            _one_line(error)


def topology_file(name: str) -> Callable[[bytes], None]:
    """A check that reads a topology file of this name; a case has to end in ``.m``."""

    def check(data: bytes) -> None:
        path = directory() / name
        path.write_bytes(data)
        _usable(path)

    return check


PYPSA = ("buses.csv", "lines.csv", "loads.csv", "loads-p_set.csv", "transformers.csv", "links.csv")
OSM = ("buses.csv", "lines.csv", "transformers.csv", "links.csv", "converters.csv")


def topology_folder(names: tuple[str, ...]) -> Callable[[bytes], None]:
    """A check that reads a topology folder of these files, which ``PART`` divides."""

    def check(data: bytes) -> None:
        path = directory() / "folder"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name, content in zip(names, data.split(seeds.PART), strict=False):
            (path / name).write_bytes(content)
        _usable(path)

    return check


def _usable(path: Path) -> None:
    try:
        found = load_grid(str(path))
    except (DataError, UsageError) as error:
        _one_line(error)
        return
    assert all(np.isfinite([n.share, n.lat, n.lon]).all() for n in found.nodes)
    assert all(
        np.isfinite(n.rating_mw) or (n.share, n.rating_mw) == (0, np.inf) for n in found.nodes
    )
    if len(found.nodes) < 50:
        for model in MODELS.values():
            assert np.isfinite(model.build(found, InfluenceParams()).data).all()


def frames_file(data: bytes) -> None:
    """Read measurements as `verify --frames` does."""
    path = directory() / "frames.jsonl"
    path.write_bytes(data.replace(seeds.PART, b"\n"))
    try:
        run, frames = read_frames_file(path, None)
        assert {frame.run for frame in frames} == {run}
    except DataError as error:
        _one_line(error)


def settings_file(data: bytes) -> None:
    """Read settings from a ``.env`` file."""
    path = directory() / "some.env"
    path.write_bytes(data)
    try:
        load_settings(_env_file=str(path))
    except UsageError as error:
        _one_line(error)


def question(data: bytes) -> None:
    """Ask the worker's API; it answers with JSON and a status that says what is wrong."""
    status, body = ask(data.decode("latin-1"))
    assert status in (200, 304, 400, 404), (status, body)
    if status != 304:
        json.loads(body)


def results(data: bytes) -> None:
    """Show records of the result topics, whoever wrote them, then ask everything."""
    from tests.fuzz.web import after

    after(records.parsed(data))


def _one_line(error: Exception) -> None:
    assert str(error), "an error without a word"
    assert len(str(error)) < 10_000, "an error as long as its cause"


def targets() -> dict[str, Target]:
    """Every target by name."""
    return {
        "measurements": Target(seeds.measurements(), stage(_detection)),
        "stress": Target(seeds.stress(), stage(_propagation)),
        "propagated": Target(seeds.propagated(), stage(_risk)),
        "results": Target(seeds.results(), results),
        "dead-letters": Target(seeds.dead_letters(), records.dead_letter),
        "changelog": Target(seeds.changelog(), records.changelog),
        "batches": Target(seeds.batches(), records.batches),
        "load-mapped": Target(seeds.mapped(), mapped_load),
        "load-sheet": Target(seeds.sheets(), sheet_load),
        "load-sheet-xml": Target(seeds.sheet_xml(), sheet_xml_load),
        "load-workbook": Target([workbook({"Data": [["a", 1.0]]})], load),
        **{f"load-{name}": Target(files, load) for name, files in seeds.loads().items()},
        "grid-json": Target(seeds.grid_json(), topology_file("grid.json")),
        "grid-graphml": Target(seeds.graphml(), topology_file("grid.graphml")),
        "grid-matpower": Target(seeds.matpower(), topology_file("case_fuzz.m")),
        "grid-pypsa": Target(seeds.pypsa(), topology_folder(PYPSA)),
        "grid-osm": Target(seeds.osm(), topology_folder(OSM)),
        "frames-file": Target(seeds.measurements(), frames_file),
        "settings": Target(seeds.settings(), settings_file),
        "questions": Target(seeds.questions(), question),
    }
