"""A moment of a live run is the same from what the views keep as from the archive."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import msgspec
import numpy as np
import pytest

from gridstress.kafka import topics
from gridstress.settings import Settings
from gridstress.verify.archived import verify_archived
from tables.view_epoch import ViewEpoch
from tests.gridstress.archive.test_past import HOURS, answers_of, archives, frames_of
from tests.support.archives import archive_in, record_of, topics_of
from topology.clock import from_iso, to_iso
from topology.errors import UsageError
from topology.grid import Grid
from topology.messages import RiskAlert
from ui.api.answers import ApiQueries
from ui.api.extremes import extremes_of
from ui.api.kept_windows import MAX_WINDOWS
from ui.api.moments import run_view
from ui.api.routes import LIVE_ASKS, Query, ask_extremes, ask_moment
from ui.api.view_store import Store
from ui.schema.runs import Extremes
from ui.schema.views import GridState

FIRST = HOURS - MAX_WINDOWS + 30
"""A window of which everything before it is kept."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")


@pytest.fixture
def live(triangle: Grid, settings: Settings) -> ApiQueries:
    """A worker that shows the whole of a run that has not ended, and has an archive of it."""
    record = record_of(triangle, settings)
    records = topics_of(frames_of(triangle)[:-2], triangle, settings, record)
    archive_in(settings.archive_dir, records, settings.model_names)
    store = Store()
    answers = answers_of(triangle, settings, store)
    store.apply_record("r", record)
    zeros = np.zeros(len(triangle.nodes))
    for model in settings.model_names:
        head = (model, "r", "w", 0.0, int(record.began.timestamp() * 1000))
        end_s = records[-1].timestamp / 1000
        view = run_view(head, answers.shards, end_s, (zeros, zeros, zeros.astype(int)), ended=False)
        for part in view.shards.values():
            store.apply_view(msgspec.json.encode(part), 0.0, ViewEpoch(1, "c"))
    for record_ in records:
        if record_.topic == topics.MEASUREMENTS:
            store.apply_measurements(record_.value)
        for model in settings.model_names:
            if record_.topic == topics.windows(model):
                store.apply_window(record_.value, model, record_.partition)
            elif record_.topic == topics.alerts(model):
                store.apply_alert(record_.value, record_.timestamp / 1000)
    return answers


def test_what_is_kept_says_of_a_moment_what_the_archive_says(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    ends = verify_archived(settings.archive_dir, "r", triangle, settings).expected.ends_s
    compared = 0
    for end_s in ends[FIRST : HOURS - 3 : 9].tolist():
        for model in settings.model_names:
            now, then = live.at("r", end_s + 600, model), live.as_of("r", end_s + 600, model)
            state = now.state(model, "r")
            assert state.event_time == to_iso(end_s)
            assert shown(state) == shown(then.state(model, "r"))
            assert None not in state.load_mw
            assert shown(now.top(model, "r", 3)) == shown(then.top(model, "r", 3))
            assert shown(now.alerts(model, "r", 0.0, 50)) == shown(then.alerts(model, "r", 0.0, 50))
            assert now.episodes(model, "r", 50).episodes == then.episodes(model, "r", 50).episodes
            node = state.nodes[int(np.argmax(state.risk))]
            found, older = now.node(node, model, "r"), then.node(node, model, "r")
            assert found.load_mw == older.load_mw == load_of(state, node)
            assert found.windows == older.windows[-len(found.windows) :]
            compared += max(state.risk) > 0
        assert shown(live.at("r", end_s).compare("r", 3)) == shown(
            live.as_of("r", end_s).compare("r", 3)
        )
    assert compared > 10


def load_of(state: GridState, node: str) -> float | None:
    return state.load_mw[state.nodes.index(node)]


def shown(answer: msgspec.Struct) -> msgspec.Struct:
    """What pages show of an answer: not how new it is, nor whether the run has ended since."""
    parts = {"version": 0, "parts": [], "ended": False, "speed": None}
    return msgspec.structs.replace(
        answer, **{name: v for name, v in parts.items() if hasattr(answer, name)}
    )


def ask(live: ApiQueries, path: str, **query: str) -> msgspec.Struct:
    return asyncio.run(ask_moment(path, live, query))


def test_the_archive_answers_for_what_is_no_longer_kept(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    ends = verify_archived(settings.archive_dir, "r", triangle, settings).expected.ends_s
    early = to_iso(float(ends[10]))
    with pytest.raises(LookupError):
        live.at("r", float(ends[10]))
    assert ask(live, "/state", at=early).event_time == early
    # Its sources are in no view either.
    late = to_iso(float(ends[-20]))
    node = ask(live, "/node/{node_id}", at=late, node_id=triangle.ids[0])
    assert node.event_time == late
    assert node.sources or not node.stress
    calm = min(
        ends[FIRST:-20].tolist(), key=lambda end_s: live.at("r", end_s).state(None, "r").risk[0]
    )
    node = ask(live, "/node/{node_id}", at=to_iso(calm), node_id=triangle.ids[0])
    assert not node.stress
    week = live.as_of("r", calm).node(triangle.ids[0], None, "r").windows
    assert node.windows == week
    assert len(week) > len(live.at("r", calm).node(triangle.ids[0], None, "r").windows)


def test_without_an_archive_a_moment_that_is_not_kept_is_refused(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    ends = verify_archived(settings.archive_dir, "r", triangle, settings).expected.ends_s
    alone = replace(live, past=None)
    with pytest.raises(UsageError, match="not kept as far back"):
        ask(alone, "/state", at=to_iso(float(ends[10])))
    late = to_iso(float(ends[-20]))
    assert ask(alone, "/state", at=late).event_time == late


def test_extremes_go_on_beyond_the_archive(
    triangle: Grid, settings: Settings, live: ApiQueries
) -> None:
    expected = verify_archived(settings.archive_dir, "r", triangle, settings).expected
    risk = expected.models["linear"].risk[: expected.closed].max(axis=1).tolist()
    asked = {"run": "r", "model": "linear"}
    assert asyncio.run(ask_extremes(live, asked)).risk == risk
    alone = replace(live, past=None)
    assert asyncio.run(ask_extremes(alone, asked)).risk == risk[-MAX_WINDOWS:]
    found = asyncio.run(ask_extremes(live, asked | {"after": to_iso(float(expected.ends_s[-9]))}))
    assert found.risk == risk[len(expected.ends_s) - 8 :]
    raised = Counter(a.window_end.timestamp() for a in expected.alerts("linear") if raises(a))
    assert found.raised == [raised[from_iso(end)] for end in found.window_end]
    whole = asyncio.run(ask_extremes(live, asked))
    assert sum(whole.raised) == raised.total() > 3


@pytest.mark.parametrize("path", ["/episodes", "/node/{node_id}", "/compare/history"])
def test_what_takes_long_of_a_moment_is_asked_by_a_thread(
    live: ApiQueries, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    threads, question = [], LIVE_ASKS[path]

    def noted(answers: ApiQueries, query: Query) -> msgspec.Struct:
        threads.append(current_thread())
        return question(answers, query)

    monkeypatch.setitem(LIVE_ASKS, path, noted)
    event_time = live.state("linear", "r").event_time or ""
    late = to_iso(from_iso(event_time) - 40 * 3600)
    ask(live, path, at=late, node_id=live.grid.ids[0])
    assert threads
    assert main_thread() not in threads


def test_a_long_strip_is_made_by_a_thread_and_counts_what_the_views_dropped(
    live: ApiQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def noted(*given: Any) -> Extremes:
        threads.append(current_thread())
        return extremes_of(*given)

    monkeypatch.setattr("ui.api.extremes.extremes_of", noted)
    asked = {"run": "r", "model": "linear"}
    before = asyncio.run(ask_extremes(live, asked))
    live.store._alerts.clear()
    assert asyncio.run(ask_extremes(live, asked)).raised == before.raised
    assert main_thread() not in threads


def test_what_one_shard_alone_has_archived_is_no_moment_yet(
    triangle: Grid, settings: Settings
) -> None:
    record = record_of(triangle, settings)
    records = topics_of(frames_of(triangle, 40)[:-2], triangle, settings, record)
    windows = {topics.windows(model) for model in settings.model_names}
    ends: dict[int, list[float]] = {0: [], 1: []}
    for one in records:
        if one.topic in windows:
            ends[one.partition].append(end_of(one.value))
    last = sorted(set(ends[0]))[-8:]
    part = [
        one
        for one in records
        if one.topic not in windows or one.partition == 0 or end_of(one.value) < last[0]
    ]
    archive_in(settings.archive_dir, part, settings.model_names)
    past = archives(triangle, settings)
    found = [end_s for end_s, _, _ in past.extremes("r", "linear")]
    assert found[-1] < last[0]
    assert past.extremes("r", "linear", last[0] - 1) == []
    store = past.store("r", last[-1], "linear")
    assert store.runs["linear", "r"].event_time_s == found[-1]
    assert all(a.alert.window_end.timestamp() <= found[-1] for a in store.alerts("linear", "r"))
    for shard, members in enumerate(past.shards):
        for i in members:
            week = store.week("linear", "r", shard, triangle.ids[i])
            assert week[-1][0] == found[-1]
    assert store.agreement("r")[-1].end_s == found[-1]


def end_of(value: bytes) -> float:
    return from_iso(msgspec.json.decode(value)["window_end"])


def raises(alert: RiskAlert) -> bool:
    return alert.state == "RAISED"
