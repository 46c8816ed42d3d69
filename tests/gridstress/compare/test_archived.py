"""Two archived runs compared: their courses are those that the verifier computes of each."""

import json
from collections.abc import Sequence
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from gridstress.archive.reading import ArchivedRun, archived_folder
from gridstress.cli import app
from gridstress.compare.archived import compare_runs
from gridstress.compare.comparison import Comparison
from gridstress.compare.course import course_of
from gridstress.settings import Settings
from gridstress.verify.recompute import Recomputed, recompute
from tests.gridstress.archive.test_past import frames_of
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.frames import at, hour_s
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.loaders import to_json
from topology.messages import MeasurementFrame

HOURS = 200
YEAR = timedelta(weeks=52)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")


def moved(
    frames: Sequence[MeasurementFrame], by: timedelta, factor: float = 1.0
) -> list[MeasurementFrame]:
    """The same measurements at another time, larger by a factor."""
    return [
        replace(
            frame,
            timestamps=[time + by for time in frame.timestamps],
            load_mw=[[mw * factor for mw in row] for row in frame.load_mw],
        )
        for frame in frames
    ]


def archived(
    grid: Grid, settings: Settings, run: str, by: timedelta = timedelta(0), factor: float = 1.0
) -> Recomputed:
    """Archive a run; gives what the verifier makes of it."""
    frames = moved(frames_of(grid, HOURS, run), by, factor)
    record = record_of(
        grid, settings, run, start=at(0) + by, end=at(HOURS) + by, models=settings.model_names
    )
    archive_in(
        settings.archive_dir, topics_of(frames, grid, settings, record), settings.model_names
    )
    return recompute(frames, grid, settings)


def compared(grid: Grid, settings: Settings, *runs: str) -> Comparison:
    first, second = (ArchivedRun(archived_folder(settings.archive_dir, run)) for run in runs)
    return compare_runs(
        first, second, grid, ["linear", "centrality", "electrical"], settings.step_s
    )


def command(settings: Settings, *words: str) -> Result:
    environment = {
        "GRIDSTRESS_ARCHIVE_DIR": str(settings.archive_dir),
        "GRIDSTRESS_REPORTS_DIR": str(settings.archive_dir.with_name("reports")),
    }
    return CliRunner().invoke(app, ["compare", *words], env=environment)


def test_courses_of_another_year_and_other_settings_are_as_they_were_published(
    triangle: Grid, settings: Settings
) -> None:
    one = archived(triangle, settings, "this")
    strict = settings.model_copy(update={"stress_threshold": 0.7, "level_warning": 0.4})
    other = archived(triangle, strict, "last", -YEAR, 0.9)
    found = compared(triangle, settings, "this", "last")
    assert [(p.first, p.second) for p in found.pairs] == [
        (f"{model} of this", f"{model} of last") for model in ("linear", "centrality")
    ]
    assert [period.run for period in found.periods] == ["this", "last"]
    assert (found.periods[0].ends_s - found.periods[1].ends_s == YEAR.total_seconds()).all()
    for run, result in (("this", one), ("last", other)):
        for model in ("linear", "centrality"):
            expected = course_of(result, model)
            course = found.courses[f"{model} of {run}"]
            assert np.array_equal(course.risk, expected.risk)
            assert np.array_equal(course.level, expected.level)
            assert course.episodes == expected.episodes
            assert sum(course.episodes.values()) > 5
    first = found.models["linear of last"].first_alarm_s
    assert first is not None
    assert first < hour_s(0)  # in its own time


def test_of_a_run_that_begins_later_earlier_alarms_do_not_count(
    triangle: Grid, settings: Settings
) -> None:
    whole = archived(triangle, settings, "whole")
    frames = moved(frames_of(triangle, HOURS - 50, "late"), timedelta(hours=50))
    record = record_of(triangle, settings, "late", start=at(50), end=at(HOURS))
    archive_in(
        settings.archive_dir, topics_of(frames, triangle, settings, record), settings.model_names
    )
    found = compared(triangle, settings, "whole", "late")
    begin = int(np.searchsorted(whole.ends_s, found.ends_s[0]))
    assert begin > 40
    for model in ("linear", "centrality"):
        course, expected = found.courses[f"{model} of whole"], course_of(whole, model)
        assert np.array_equal(course.level, expected.level[begin : begin + len(course.level)])
        alarmed = np.vstack([np.zeros(len(triangle.nodes)), course.level > 0])
        assert sum(course.episodes.values()) == (np.diff(alarmed, axis=0) > 0).sum() > 5


def test_runs_that_share_no_model_are_compared_crosswise(
    triangle: Grid, settings: Settings
) -> None:
    archived(triangle, settings.model_copy(update={"models": "linear"}), "one")
    archived(triangle, settings.model_copy(update={"models": "centrality"}), "other")
    (pair,) = compared(triangle, settings, "one", "other").pairs
    assert (pair.first, pair.second) == ("linear of one", "centrality of other")


def test_other_nodes_are_refused_by_name(triangle: Grid, settings: Settings) -> None:
    archived(triangle, settings, "one")
    nodes = (*triangle.nodes[:2], changed(triangle.nodes[2], id="d"))
    lines = (triangle.lines[0], changed(triangle.lines[1], target="d"))
    archived(changed(triangle, nodes=nodes, lines=lines), settings, "other")
    with pytest.raises(DataError, match="different nodes: only 'one' has c"):
        compared(triangle, settings, "one", "other")
    done = command(settings, "--run", "one", "--with", "other")
    assert isinstance(done.exception, DataError)


def test_a_grid_that_lacks_the_runs_nodes_is_refused(triangle: Grid, settings: Settings) -> None:
    archived(triangle, settings, "one")
    archived(triangle, settings, "other")
    done = command(settings, "--run", "one", "--with", "other", "--topology", "germany")
    assert isinstance(done.exception, DataError)
    assert "germany has no node 'a'" in str(done.exception)


def test_names_are_no_markup(triangle: Grid, settings: Settings, tmp_path: Path) -> None:
    archived(triangle, settings, "a[b]")
    archived(triangle, settings, "x[/y]")
    grid = tmp_path / "grid.json"
    grid.write_bytes(to_json(triangle))
    done = command(settings, "--run", "a[b]", "--with", "x[/y]", "--topology", str(grid))
    assert done.exit_code == 0, done.output
    assert "a[b]" in done.output
    assert "x[/y]" in done.output


def test_the_command_says_of_which_times_it_is_and_writes_a_report(
    triangle: Grid, settings: Settings, tmp_path: Path
) -> None:
    archived(triangle, settings, "this")
    archived(triangle, settings, "last_one", -YEAR, 1.1)
    grid = tmp_path / "grid.json"
    grid.write_bytes(to_json(triangle))
    words = ["--run", "this", "--with", "last_one", "--topology", str(grid)]
    done = command(settings, *words, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["run"], found["with"]["run"]) == ("this", "last_one")
    assert found["from"] == "2019-01-01T00:00:00Z"
    assert found["with"]["from"] == "2018-01-02T00:00:00Z"
    done = command(settings, *words)
    assert "second run last_one: 2018-01-02T00:00:00Z" in done.output
    assert "Linear, second" in done.output
    (path,) = settings.archive_dir.with_name("reports").glob("this_with_last_one~*.html")
    page = path.read_text("utf-8")
    assert "<h1>Two runs compared</h1>" in page
    assert "Run last_one: 2018-01-02T00:00:00Z" in page


@pytest.mark.parametrize(
    "words",
    [
        ["--with", "other"],
        ["--run", "same", "--with", "same"],
        ["load.csv", "--with", "other"],
        ["--run", "one", "--with", "other", "--sweep"],
        ["--run", "one", "--with", "other", "--physics"],
    ],
)
def test_what_makes_no_sense_is_refused(settings: Settings, words: list[str]) -> None:
    assert isinstance(command(settings, *words).exception, UsageError)


def test_a_run_that_is_not_archived_is_named_with_those_that_are(
    triangle: Grid, settings: Settings
) -> None:
    archived(triangle, settings, "one")
    done = command(settings, "--run", "one", "--with", "two")
    assert isinstance(done.exception, DataError)
    assert "no run 'two'" in str(done.exception)
    assert done.exception.hint == "Runs that exist: one."


def test_too_many_values_are_refused(
    triangle: Grid, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(triangle, settings, "one")
    archived(triangle, settings, "other")
    monkeypatch.setattr("gridstress.compare.archived.MAX_CELLS", 100)
    with pytest.raises(UsageError, match="too many"):
        compared(triangle, settings, "one", "other")
