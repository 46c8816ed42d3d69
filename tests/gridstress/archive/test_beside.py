"""Two runs beside each other in the API: each as it was at its own time, and how they agree."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from msgspec.structs import replace

from gridstress.archive.beside import AT_ONCE
from gridstress.archive.files import run_folder
from gridstress.archive.reading import ArchivedRun
from gridstress.archive.retention import delete
from gridstress.settings import Settings
from gridstress.verify.recompute import Recomputed, recompute
from tests.gridstress.archive.test_past import answers_of, frames_of
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.frames import at, hour_s
from topology.agreement import agreement
from topology.clock import to_iso
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import MeasurementFrame, RiskWindow
from ui.api.answers import ApiQueries
from ui.api.read_model import UnknownError
from ui.api.routes import ask_beside
from ui.api.view_store import Store
from ui.schema.runs import History
from ui.schema.views import Compare

HOURS = 200
YEAR = timedelta(weeks=52)
BEFORE_S = int(YEAR.total_seconds())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")


@pytest.fixture
def answers(triangle: Grid, settings: Settings) -> ApiQueries:
    return answers_of(triangle, settings, Store())


@pytest.fixture
def both(triangle: Grid, settings: Settings) -> list[Recomputed]:
    """The run ``this``, and ``last`` of the year before with more load."""
    return [
        archived(triangle, settings, "this"),
        archived(triangle, settings, "last", -YEAR, 1.1),
    ]


def archived(
    grid: Grid,
    settings: Settings,
    run: str,
    by: timedelta = timedelta(0),
    factor: float = 1.0,
    hours: int = HOURS,
) -> Recomputed:
    """Archive a run at another time and with other loads; gives what the verifier makes of it."""
    frames = [
        replace(
            frame,
            timestamps=[time + by for time in frame.timestamps],
            load_mw=[[mw * factor for mw in row] for row in frame.load_mw],
        )
        for frame in frames_of(grid, hours, run)
    ]
    archive_frames(grid, settings, run, frames, by)
    return recompute(frames, grid, settings)


def archive_frames(
    grid: Grid,
    settings: Settings,
    run: str,
    frames: Sequence[MeasurementFrame],
    by: timedelta = timedelta(0),
) -> None:
    record = record_of(grid, settings, run, start=at(0) + by, end=at(HOURS) + by)
    records = topics_of(frames, grid, settings, record)
    archive_in(settings.archive_dir, records, settings.model_names)


def compared(answers: ApiQueries, **query: str) -> Compare:
    found = asyncio.run(ask_beside("/compare", answers, {"run": "this", "with": "last", **query}))
    assert isinstance(found, Compare)
    return found


def history(answers: ApiQueries, **query: str) -> History:
    """The whole history: asked for until all of it is compared."""
    asked = {"run": "this", "with": "last", **query}
    while True:
        found = asyncio.run(ask_beside("/compare/history", answers, asked))
        assert isinstance(found, History)
        if not found.to_compare:
            return found


def test_each_run_is_shown_at_its_own_time(both: list[Recomputed], answers: ApiQueries) -> None:
    stressed = 0
    for n in range(0, both[0].closed, 7):
        end_s = float(both[0].ends_s[n])
        found = compared(answers, at=to_iso(end_s))
        assert found.event_time == to_iso(end_s)
        assert found.beside is not None
        assert found.beside.shift_s == BEFORE_S
        assert found.beside.event_time == to_iso(end_s - BEFORE_S)
        risks = [result.models["linear"].risk[n] for result in both]
        assert found.models["this"].risk == risks[0].tolist()
        assert found.models["last"].risk == risks[1].tolist()
        agreed = agreement(*risks, 10)
        assert found.top_k_overlap == agreed.top_k_overlap
        assert found.rank_correlation == agreed.rank_correlation
        stressed += found.top_k_overlap is not None
    assert stressed > 5


def test_each_run_has_the_model_that_is_asked_for(
    both: list[Recomputed], answers: ApiQueries
) -> None:
    n = int(both[0].models["linear"].risk.sum(axis=1).argmax())
    asked = {"at": to_iso(float(both[0].ends_s[n])), "models": "centrality,linear"}
    found = compared(answers, **asked)
    assert found.models["this"].risk == both[0].models["centrality"].risk[n].tolist()
    assert found.models["last"].risk == both[1].models["linear"].risk[n].tolist()
    points = history(answers, models="centrality,linear").points
    assert points[n].average_risk == {
        "this": pytest.approx(both[0].models["centrality"].risk[n].mean()),
        "last": pytest.approx(both[1].models["linear"].risk[n].mean()),
    }


def test_where_the_second_run_has_no_window_nothing_is_said_of_it(
    triangle: Grid, settings: Settings, answers: ApiQueries
) -> None:
    archived(triangle, settings, "this")
    archived(triangle, settings, "last", -YEAR, hours=120)
    found = compared(answers, at=to_iso(hour_s(150)))
    assert found.beside is not None
    assert found.beside.event_time is None
    assert found.models["last"].risk == [0.0] * 3
    assert (found.top_k_overlap, found.rank_correlation) == (None, None)
    points = history(answers).points
    assert len(points) == len({p.window_end for p in points}) < 125


def test_how_they_agree_is_what_their_windows_say(
    both: list[Recomputed], answers: ApiQueries
) -> None:
    found = history(answers)
    closed = both[0].closed
    assert closed > 3 * AT_ONCE
    assert [p.window_end for p in found.points] == [
        to_iso(float(s)) for s in both[0].ends_s[:closed]
    ]
    for n, point in enumerate(found.points):
        agreed = agreement(*(result.models["linear"].risk[n] for result in both), 10)
        assert point.top_k_overlap == agreed.top_k_overlap
    assert found.episodes.counts == {
        run: len({a.episode_id for a in result.alerts("linear")})
        for run, result in zip(("this", "last"), both, strict=True)
    }
    assert 0 < found.episodes.both <= min(found.episodes.counts.values())
    # The same load with a tenth more is never in alarm later.
    assert found.lead.earlier["this"] == 0
    assert found.lead.earlier["last"] > 0
    until = history(answers, at=to_iso(hour_s(60)))
    assert until.points == found.points[: len(until.points)]
    assert until.points[-1].window_end == to_iso(hour_s(60))
    assert sum(until.episodes.counts.values()) < sum(found.episodes.counts.values())


def test_a_run_that_goes_on_is_compared_further(
    triangle: Grid, settings: Settings, answers: ApiQueries
) -> None:
    archived(triangle, settings, "last", -YEAR)
    frames = frames_of(triangle, HOURS, "this")
    archive_frames(triangle, settings, "this", frames[:24])
    before = history(answers)
    archive_frames(triangle, settings, "this", frames)
    after = history(answers)
    assert 0 < len(before.points) < len(after.points)
    assert after.points[: len(before.points)] == before.points


def test_windows_that_a_shard_has_not_closed_yet_are_waited_for(
    triangle: Grid, settings: Settings, answers: ApiQueries
) -> None:
    archived(triangle, settings, "last", -YEAR)
    frames = frames_of(triangle, HOURS, "this")
    record = record_of(triangle, settings, "this", start=at(0), end=at(HOURS))
    records = topics_of(frames, triangle, settings, record)
    late = [r for r in records if r.topic.startswith("risk_windows") and r.partition == 1][20:]
    archive_in(settings.archive_dir, [r for r in records if r not in late], settings.model_names)
    begun = history(answers)
    assert len(begun.points) == 20
    archive_in(settings.archive_dir, late, settings.model_names)
    whole = recompute(frames, triangle, settings)
    risk = whole.models["linear"].risk[: whole.closed]
    found = history(answers).points
    assert [p.average_risk["this"] for p in found] == pytest.approx(risk.mean(axis=1).tolist())


def test_a_run_that_is_archived_anew_under_its_name_is_another_one(
    triangle: Grid, settings: Settings, answers: ApiQueries, both: list[Recomputed]
) -> None:
    before = history(answers)
    delete(run_folder(settings.archive_dir, "last"))
    again = archived(triangle, settings, "last", -YEAR, 0.8)
    after = history(answers)
    assert after.points != before.points
    risk = again.models["linear"].risk[: again.closed]
    assert [p.average_risk["last"] for p in after.points] == pytest.approx(
        risk.mean(axis=1).tolist()
    )


def test_what_could_not_be_read_is_read_again(
    both: list[Recomputed], answers: ApiQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, reads = ArchivedRun.windows_until, 0

    def broken(self: ArchivedRun, *given: Any, **named: Any) -> Iterator[RiskWindow]:
        nonlocal reads
        for number, window in enumerate(whole(self, *given, **named)):
            if number == 30 and reads < 3:
                reads += 1
                raise duckdb.IOException("deleted meanwhile")
            yield window

    monkeypatch.setattr(ArchivedRun, "windows_until", broken)
    with pytest.raises(DataError, match="deleted meanwhile"):
        history(answers)
    assert len(history(answers).points) == both[0].closed


def test_alarms_outside_of_the_common_time_do_not_count(
    triangle: Grid, settings: Settings, answers: ApiQueries
) -> None:
    archived(triangle, settings, "this", hours=60)
    archived(triangle, settings, "last", -YEAR)
    found = history(answers)
    assert found.episodes.counts["this"] == found.episodes.counts["last"] == found.episodes.both > 3


@pytest.mark.parametrize(
    ("query", "error", "says"),
    [
        ({"with": "this"}, UsageError, "another run"),
        ({"with": "nowhere"}, UnknownError, "archived run 'nowhere'"),
        ({"run": "nowhere"}, UnknownError, "run 'nowhere'"),
        ({"models": "linear,centrality,linear"}, UsageError, "one name for both"),
        ({"models": "linear,quadratic"}, UnknownError, "model 'quadratic'"),
        ({"at": "soon"}, UsageError, "at must be a time"),
    ],
)
@pytest.mark.usefixtures("both")
def test_what_cannot_be_compared_is_refused_with_the_reason(
    answers: ApiQueries, query: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        compared(answers, **query)


def test_a_run_of_another_grid_is_refused(
    triangle: Grid, settings: Settings, answers: ApiQueries
) -> None:
    archived(triangle, settings, "this")
    frames = frames_of(triangle, HOURS, "last")
    record = record_of(triangle, settings, "last", start=at(0), end=at(9))
    record = replace(record, grid_fingerprint="ef" * 32)
    archive_in(
        settings.archive_dir, topics_of(frames, triangle, settings, record), settings.model_names
    )
    for ask in (compared, history):
        with pytest.raises(DataError, match="another grid"):
            ask(answers)


def test_the_agreement_of_one_run_is_read_again_too(
    triangle: Grid, settings: Settings, answers: ApiQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = archived(triangle, settings, "r")
    whole, reads = ArchivedRun.windows_until, 0

    def broken(self: ArchivedRun, *given: Any, **named: Any) -> Iterator[RiskWindow]:
        nonlocal reads
        for number, window in enumerate(whole(self, *given, **named)):
            if number == 30 and reads < 1:
                reads += 1
                raise OSError("deleted meanwhile")
            yield window

    monkeypatch.setattr(ArchivedRun, "windows_until", broken)
    past = answers.as_of("r")
    with pytest.raises(OSError, match="deleted meanwhile"):
        past.history("r")
    history = past.history("r")
    while history.to_compare:
        history = past.history("r")
    assert len(history.points) == expected.closed
