"""Archived runs are shown, verified and sent again as they were."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gridstress.archive.files import kind_files, run_folder
from gridstress.archive.past import Archives
from gridstress.archive.reading import ArchivedRun
from gridstress.kafka.topics import MEASUREMENTS
from gridstress.replay.archived import ArchivedSchedule
from gridstress.replay.schedule import steps
from gridstress.settings import Settings
from gridstress.verify.archived import verify_archived
from tables.windows import WindowSpec
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.frames import at, ended, measured
from topology.clock import from_iso, to_iso
from topology.errors import DataError, GridstressError
from topology.grid import Grid
from topology.loaders import load_grid
from topology.messages import MeasurementFrame
from topology.models import influence_matrices
from ui.api.answers import ApiQueries
from ui.api.older import lacking, with_older
from ui.api.read_model import UnknownError
from ui.api.routes import ask_extremes
from ui.api.view_store import Store
from ui.schema.grid import GridSettings

HOURS = 200


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")


def frames_of(grid: Grid, hours: int = HOURS, run: str = "r") -> list[MeasurementFrame]:
    """A load that rises and falls over days, in frames of some hours, zone by zone."""
    rng, frames = random.Random(3), []
    for start in range(0, hours, 5):
        span = range(start, min(start + 5, hours))
        for zone in grid.zones:
            loads = {
                node.id: [node.rating_mw * (0.5 + 0.6 * rng.random() * (h % 24 > 6)) for h in span]
                for node in grid.nodes_of(zone)
            }
            frames.append(measured(zone, list(span), loads, seq=start, run=run))
    return [*frames, *(ended(zone, hours, run=run) for zone in grid.zones)]


def archives(grid: Grid, settings: Settings, partitions: int = 2) -> Archives:
    return Archives(
        settings.archive_dir,
        grid,
        partitions,
        0.5,
        influence_matrices(grid, settings.model_names, settings.influence_params),
        WindowSpec(settings.step_s, settings.size_s, settings.lateness_s),
        settings.stress_threshold,
    )


def answers_of(grid: Grid, settings: Settings, store: Store) -> ApiQueries:
    """A worker's answers, with the archive in its directory."""
    return ApiQueries(
        grid=grid,
        influence=influence_matrices(grid, settings.model_names, settings.influence_params),
        partitions=settings.partitions,
        step_s=settings.step_s,
        size_s=settings.size_s,
        settings=GridSettings(),
        store=store,
        past=archives(grid, settings),
    )


@pytest.fixture
def live(triangle: Grid, settings: Settings) -> ApiQueries:
    """A worker's answers, with an archive and nothing else."""
    return answers_of(triangle, settings, Store())


def archived(grid: Grid, settings: Settings, cuts: Sequence[int] = ()) -> None:
    record = record_of(grid, settings, state="ended", ended=at(300))
    records = topics_of(frames_of(grid), grid, settings, record)
    for begin, end in zip((0, *cuts), (*cuts, len(records)), strict=True):
        archive_in(settings.archive_dir, records[begin:end], settings.model_names)


@pytest.mark.parametrize("cuts", [(), (60, 500)])
@pytest.mark.parametrize("compacted", [False, True])
def test_an_archived_run_verifies_equal_and_one_value_less_is_found(
    triangle: Grid, settings: Settings, cuts: Sequence[int], compacted: bool
) -> None:
    archived(triangle, settings, cuts)
    if compacted:
        folder = run_folder(settings.archive_dir, "r")
        archive_in(settings.archive_dir, (), ()).compact(folder)
        assert len(kind_files(folder, "windows")) == 1
    found = verify_archived(settings.archive_dir, "r", triangle, settings)
    assert found.ok, {name: outcome.problems for name, outcome in found.outcomes.items()}
    counts = found.outcomes["linear"].counts
    assert counts["windows found"] == counts["windows expected"] > 2 * (HOURS - 10)
    assert counts["alerts found"] == counts["alerts expected"] > 10


def test_what_the_archive_lacks_is_found(triangle: Grid, settings: Settings) -> None:
    record = record_of(triangle, settings, state="ended", ended=at(300))
    records = topics_of(frames_of(triangle), triangle, settings, record)
    archive_in(settings.archive_dir, records[:-1], settings.model_names)
    assert not verify_archived(settings.archive_dir, "r", triangle, settings).ok


def test_other_settings_are_refused(triangle: Grid, settings: Settings) -> None:
    archived(triangle, settings)
    other = settings.model_copy(update={"stress_threshold": 0.5})
    with pytest.raises(GridstressError, match="other settings"):
        verify_archived(settings.archive_dir, "r", triangle, other)


def test_every_moment_is_shown_as_it_was(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings, (300,))
    assert live.is_past("r")
    assert not live.is_past("s")
    expected = verify_archived(settings.archive_dir, "r", triangle, settings).expected
    for model, result in expected.models.items():
        alerts = expected.alerts(model)
        for n in range(0, expected.closed, 13):
            end_s = float(expected.ends_s[n])
            state = live.as_of("r", end_s + 1800, model).state(model, "r")
            assert state.event_time == state.watermark == to_iso(end_s)
            assert state.risk == pytest.approx(result.risk[n].tolist(), abs=0)
            assert state.stress == pytest.approx(result.stress[n].tolist(), abs=0)
            last = {a.node_id: a for a in alerts if a.window_end.timestamp() <= end_s}
            levels = {node: a.level for node, a in last.items() if a.state != "CLEARED"}
            assert state.level == [levels.get(node, "") for node in triangle.ids]
            assert state.synthetic is False
            assert state.ended
            top = live.as_of("r", end_s, model).top(model, "r", 3)
            for node in top.nodes:
                i = triangle.index[node.node_id]
                before = result.risk[n - 1, i] if n else None
                assert node.change == (None if before is None else node.risk - before)
        strip = asyncio.run(ask_extremes(live, {"run": "r", "model": model}))
        assert strip.window_end == [to_iso(float(s)) for s in expected.ends_s[: expected.closed]]
        assert strip.risk == result.risk[: expected.closed].max(axis=1).tolist()


def test_before_the_first_window_nothing_is_known(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    state = live.as_of("r", 0.0, "linear").state("linear", "r")
    assert state.event_time is None
    assert set(state.risk) == {0.0}


def test_the_pages_have_all_of_the_run(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    past, expected = (
        live.as_of("r"),
        verify_archived(settings.archive_dir, "r", triangle, settings).expected,
    )
    alerts = expected.alerts("linear")
    shown = past.alerts("linear", "r", 0.0, 5000).alerts
    assert sorted(alert.alert_id for alert in shown) == sorted(a.alert_id for a in alerts)
    episodes = past.episodes(None, "r", 5000).episodes
    both = {a.episode_id for model in expected.models for a in expected.alerts(model)}
    assert {episode.episode_id for episode in episodes} == both
    week = past.node("a", "linear", "r").windows
    of_week = slice(expected.closed - 168, expected.closed)
    assert [w.window_end for w in week] == [to_iso(float(s)) for s in expected.ends_s[of_week]]
    a = triangle.index["a"]
    assert [w.risk for w in week] == expected.models["linear"].risk[of_week, a].tolist()
    history = past.history("r")
    while history.to_compare:
        history = past.history("r")
    assert len(history.points) == expected.closed
    stressed = [point for point in history.points if any(point.average_risk.values())]
    assert len(stressed) > 10
    assert all(point.top_k_overlap is not None for point in stressed)
    compared = past.compare("r", 3)
    assert set(compared.models) == {"linear", "centrality"}
    (run,) = live.archive().runs()
    assert (run.run, run.rows, run.episodes) == ("r", 2 * HOURS, len(both))
    assert run.begins == to_iso(at(0).timestamp())
    assert run.record is not None


def test_an_unknown_run_another_grid_and_no_archive_are_told_apart(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    with pytest.raises(DataError, match="no archive"):
        live.archive().runs()
    archived(triangle, settings)
    with pytest.raises(UnknownError) as caught:
        live.as_of("s")
    assert caught.value.exists == ["r"]
    other = replace(
        triangle, nodes=(*triangle.nodes[:-1], replace(triangle.nodes[-1], rating_mw=1))
    )
    with pytest.raises(DataError, match="another grid"):
        archives(other, settings).store("r")


def test_a_run_is_shown_with_another_number_of_shards(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    before = live.as_of("r", at(100).timestamp())
    other = replace(
        live,
        partitions=3,
        past=archives(triangle, settings, 3),
    )
    after = other.as_of("r", at(100).timestamp())
    assert after.state("linear", "r").risk == before.state("linear", "r").risk


def test_a_run_is_sent_again_as_it_was(triangle: Grid, settings: Settings) -> None:
    archived(triangle, settings, (70,))
    schedule = ArchivedSchedule(
        ArchivedRun(run_folder(settings.archive_dir, "r")), triangle, "again", settings.max_ahead_s
    )
    assert list(schedule.frames()) == [
        msgspec.structs.replace(frame, run="again") for frame in frames_of(triangle)
    ]
    assert (schedule.rows, schedule.period_s) == (HOURS, 3600)
    times = [step.time_s for step in steps(schedule.begin())]
    assert times == sorted(times)
    assert schedule.zones == list(triangle.zones)


def test_what_views_have_dropped_of_an_ended_run_is_read_from_the_archive(
    triangle: Grid, settings: Settings, live: ApiQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(triangle, settings)
    past = live.as_of("r")
    store, run = live.store, ArchivedRun(run_folder(settings.archive_dir, "r"))
    store.runs |= past.store.runs
    with monkeypatch.context() as little:
        little.setattr("ui.api.view_store.MAX_ALERTS", 10)
        for model in settings.model_names:
            for record in [*run.windows(model)][-10:]:
                store.apply_window(record.value, model, record.partition)
            for record in run.alerts(model):
                store.apply_alert(record.value, record.timestamp / 1000)
    node, asked = live.node("a", "linear", "r"), past.node("a", "linear", "r")
    assert lacking(live, node) == "r"
    assert len(node.windows) <= 10
    whole = with_older(node, asked)
    assert (whole.windows, len(whole.windows)) == (asked.windows, 168)
    assert {a.alert_id for a in whole.alerts} == {a.alert_id for a in asked.alerts}
    episodes, of_archive = live.episodes(None, "r", 500), past.episodes(None, "r", 500)
    assert lacking(live, episodes) == "r"
    assert len(episodes.episodes) < len(of_archive.episodes)
    assert with_older(episodes, of_archive).episodes == of_archive.episodes
    alerts, of_archive = live.alerts("linear", "r", 0, 500), past.alerts("linear", "r", 0, 500)
    assert with_older(alerts, of_archive).alerts == of_archive.alerts
    assert lacking(live, live.state("linear", "r")) is None


def test_of_a_run_that_goes_on_nothing_is_read(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    live.store.runs |= live.as_of("r").store.runs
    for view in live.store.runs.values():
        for shard in view.shards.values():
            shard.ended = False
    assert lacking(live, live.node("a", "linear", "r")) is None


def test_the_steps_and_sources_of_a_moment_are_made_of_its_measurements(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    expected = verify_archived(settings.archive_dir, "r", triangle, settings).expected
    n = int(expected.models["centrality"].stress[:, triangle.index["b"]].argmax())
    past = live.as_of("r", float(expected.ends_s[n]), "centrality")
    node = past.node("b", "centrality", "r")
    assert len(node.panes) == 3
    assert sum(pane.stress for pane in node.panes) == pytest.approx(node.stress)
    shares = expected.shares("centrality", n, triangle.index["b"])
    assert {s.node_id: pytest.approx(s.share) for s in node.sources} == {
        triangle.ids[i]: share for i, share in enumerate(shares) if share
    }


def test_steps_that_do_not_add_up_to_the_window_are_not_shown(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    record = record_of(triangle, settings, state="ended", ended=at(300))
    records = topics_of(frames_of(triangle), triangle, settings, record)
    lost = [r for r in records if r.topic != MEASUREMENTS or r.offset != 4]
    archive_in(settings.archive_dir, lost, settings.model_names)
    past = live.as_of("r", at(14).timestamp(), "linear")
    assert past.state("linear", "r").kpis.highest_risk.risk > 0
    assert past.node("b", "linear", "r").panes == []


def test_the_peak_of_an_open_episode_is_that_of_its_windows_so_far(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    archived(triangle, settings)
    expected = verify_archived(settings.archive_dir, "r", triangle, settings).expected
    risk, ends_s = expected.models["linear"].risk, expected.ends_s
    above = 0
    for n in range(0, expected.closed, 3):
        past = live.as_of("r", float(ends_s[n]), "linear")
        for episode in past.episodes("linear", "r", 500).episodes:
            if episode.open:
                raised = int((ends_s < from_iso(episode.raised_at)).sum())
                column = risk[raised : n + 1, triangle.index[episode.node_id]]
                assert episode.peak_risk == column.max()
                above += column.max() > column[0]
    assert above > 10


def test_a_window_that_not_all_shards_have_is_not_the_end(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    record = record_of(triangle, settings, state="interrupted")
    records = topics_of(frames_of(triangle, 23)[:-2], triangle, settings, record)
    windows = [r for r in records if r.topic == "risk_windows_linear"]
    last = max(r.offset for r in windows)
    kept = [r for r in records if r not in windows or (r.partition, r.offset) != (1, last)]
    archive_in(settings.archive_dir, kept, settings.model_names)
    expected = verify_archived(settings.archive_dir, "r", triangle, settings).expected
    state = live.as_of("r").state("linear", "r")
    assert state.event_time == to_iso(float(expected.ends_s[expected.closed - 2]))
    assert state.risk == expected.models["linear"].risk[expected.closed - 2].tolist()


def test_a_run_without_a_record_of_another_grid_is_refused(
    triangle: Grid, settings: Settings
) -> None:
    records = topics_of(frames_of(triangle), triangle, settings, record_of(triangle, settings))
    unnamed = [r for r in records if r.topic != "runs"]
    archive_in(settings.archive_dir, unnamed, settings.model_names)
    germany = archives(load_grid("germany"), settings)
    with pytest.raises(DataError, match="another grid"):
        germany.ask(lambda: germany.store("r"))


@pytest.mark.parametrize("kind", ["alerts", "windows"])
def test_what_cannot_be_read_is_an_error_each_time(
    triangle: Grid, settings: Settings, live: ApiQueries, kind: str
) -> None:
    archived(triangle, settings)
    live.as_of("r")
    (path,) = kind_files(run_folder(settings.archive_dir, "r"), kind)
    path.write_bytes(path.read_bytes()[:100])
    asked = {
        "alerts": lambda: live.as_of("r").alerts("linear", "r", 0.0, 100),
        "windows": lambda: live.as_of("r").history("r"),
    }
    for _ in range(3):
        with pytest.raises(DataError, match="cannot be read"):
            live.archive().ask(asked[kind])


@pytest.mark.parametrize("run", ["", "x" * 161, "é" * 300])
def test_no_name_breaks_the_question_whether_there_is_such_a_run(
    live: ApiQueries, run: str
) -> None:
    assert not live.is_past(run)
    assert live.past_state(run) == 0
