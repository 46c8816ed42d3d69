import asyncio
from dataclasses import replace
from math import exp

import msgspec
import numpy as np
import pytest
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.risk import RiskModel
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from tables.shard_view import view_of
from tables.view_epoch import NO_EPOCH
from tables.windows import WindowSpec
from tests.support.frames import at, run_record, spread
from tests.support.memory import Table
from topology.agreement import rank_correlation, top_overlap
from topology.clock import to_iso
from topology.codec import encode
from topology.errors import UsageError
from topology.grid import Grid
from ui.api.answers import ApiQueries
from ui.api.read_model import UnknownError
from ui.api.view_store import Store
from ui.schema import runs
from ui.schema.audit import AuditStatus, ModelAudit
from ui.schema.grid import GridSettings
from ui.schema.runs import ZoneSent

SPEC = WindowSpec(step_s=3600, size_s=3 * 3600, lateness_s=3600)
BOOST = {"linear": 1.0, "centrality": 2.0, "electrical": 3.0}
"""By how much each model's stress is the first one's."""
INFLUENCE = csr_array(np.array([[1.0, 0.5, 0.0], [0.25, 1.0, 0.4], [0.0, 0.3, 1.0]]))


def iso(hour: float) -> str:
    return to_iso(at(hour).timestamp())


@pytest.fixture
def answers(triangle: Grid) -> ApiQueries:
    """Three hours of a run, worked on by the real stage and published as a worker does."""
    store = Store()
    for name in BOOST:
        model = RiskModel(name, triangle, INFLUENCE, 1, SPEC, Thresholds())
        table, state = RiskTable(Table(), 3), ShardState.new(3, started_ms=0)
        panes = table.panes("r", 0)
        boost = BOOST[name]
        model.fold(
            spread("north", [0, 1, 2], {"a": [0.1 * boost, 0.2 * boost, 0.4 * boost]}),
            state,
            panes,
        )
        model.fold(spread("south", [0, 1, 2], {"b": [0.0, 0.0, 0.2]}, sources={"c": [0, 0, 0.5]}),
                   state, panes)  # fmt: skip
        for closing in (closed := list(model.close("r", 0, state, panes))):
            store.apply_window(encode(closing.final), name, 0)
        for alert in model.alerts("r", 0, closed):
            store.apply_alert(encode(alert), 7.0)
        changes = [*panes.changes(None), table.entry_change("r", 0, state)]
        asyncio.run(table.write(0, changes, table.version(0)))
        store.apply_view(
            msgspec.json.encode(
                view_of(
                    table, state, SPEC, model=name, run="r", shard=0, shard_size=3,
                    zones=triangle.zones, idle=(), worker="host:1", published_at=9.0,
                )
            ),
            9.0,
            NO_EPOCH,
        )  # fmt: skip
    return ApiQueries(
        grid=triangle,
        influence=dict.fromkeys(BOOST, INFLUENCE),
        partitions=1,
        step_s=SPEC.step_s,
        size_s=SPEC.size_s,
        settings=GridSettings(),
        store=store,
    )


def test_state_shows_the_window_that_is_filling(answers: ApiQueries) -> None:
    state = answers.state("linear", None)
    assert (state.run, state.event_time, state.watermark) == ("r", iso(2), iso(1))
    assert state.nodes == ["a", "b", "c"]
    assert state.stress == pytest.approx([0.7, 0.2, 0.0])
    assert state.risk == pytest.approx([1 - exp(-0.7), 1 - exp(-0.2), 0.0])
    assert state.kpis.affected_nodes == 2
    assert state.kpis.highest_risk.node_id == "a"
    assert [part.worker for part in state.parts] == ["host:1"]


def test_the_runs_record_says_where_its_data_come_from(answers: ApiQueries) -> None:
    (unknown,) = answers.runs().runs
    assert unknown.record is None
    state = answers.state("linear", "r")
    assert (state.source, state.synthetic) == (None, None)

    before = answers.store.version
    answers.store.apply_record("r", run_record("r"))
    answers.store.apply_record("other", run_record("other"))
    assert answers.store.version > before
    (known,) = answers.runs().runs
    assert known.record.source == "load.csv"
    assert known.record.synthetic is False
    assert known.record.sent == {"north": ZoneSent(3, 2, False)}
    assert known.record.began == iso(9)
    state = answers.state("centrality", None)
    assert (state.source, state.synthetic) == ("load.csv", False)

    answers.store.apply_record("r", None)
    assert answers.runs().runs[0].record is None


def test_a_run_has_the_auditors_last_word(answers: ApiQueries) -> None:
    assert answers.runs().runs[0].audit is None
    for found in (0, 2):
        status = AuditStatus(
            run="r",
            state="different" if found else "verified",
            at=at(9),
            measured_until=at(3),
            models={"linear": ModelAudit(at(2), found)},
            differences=found,
            first=("a window is missing",) * (found > 0),
        )
        before = answers.store.version
        answers.store.apply_audit(msgspec.json.encode(status), 1234.5)
        assert answers.store.version > before
    audit = answers.runs().runs[0].audit
    assert audit.models == {"linear": runs.ModelAudit(iso(2), 2)}
    assert (audit.state, audit.differences, audit.updated_at) == ("different", 2, 1234.5)
    assert audit.first == ["a window is missing"]


def test_state_without_a_run_is_empty_and_not_an_error(triangle: Grid) -> None:
    empty = ApiQueries(triangle, {"linear": INFLUENCE}, 1, 3600, 10_800, GridSettings(), Store())
    state = empty.state(None, None)
    assert (state.run, state.event_time, state.risk) == (None, None, [0.0] * 3)
    assert state.parts == []


def test_top_is_sorted_by_risk_and_tells_the_change_since_the_last_final_window(
    answers: ApiQueries,
) -> None:
    nodes = answers.top("linear", "r", 2).nodes
    assert [node.node_id for node in nodes] == ["a", "b"]
    assert nodes[0].change == pytest.approx(exp(-0.1) - exp(-0.7))


def test_a_node_has_panes_windows_sources_and_neighbours(answers: ApiQueries) -> None:
    node = answers.node("b", "linear", "r")
    assert node.neighbours == ["a", "c"]
    assert [pane.start for pane in node.panes] == [iso(0), iso(1), iso(2)]
    assert [pane.stress for pane in node.panes] == pytest.approx([0.0, 0.0, 0.2])
    assert [window.window_end for window in node.windows] == [iso(1)]
    shares = {source.node_id: source.share for source in node.sources}
    assert shares == pytest.approx({"a": 0.35 / 0.5, "c": 0.15 / 0.5})


def test_sources_are_none_rather_than_wrong_where_panes_of_the_window_are_left_out(
    answers: ApiQueries,
) -> None:
    view = answers.store.runs["linear", "r"].shards[0]
    view.shown_until_s = view.panes.pop().start_s
    node = answers.node("b", "linear", "r")
    assert node.sources == []
    assert node.stress == pytest.approx(0.2)


def test_open_windows_are_those_with_data_that_are_not_final(answers: ApiQueries) -> None:
    windows = answers.open_windows("linear", "r").windows
    assert [w.window_end for w in windows] == [iso(h) for h in (2, 3, 4, 5)]
    assert windows[0].nodes == ["a"]
    assert windows[0].stress == pytest.approx([0.3])
    assert windows[2].stress == pytest.approx([0.6, 0.2])


def test_compare_sets_the_models_side_by_side(answers: ApiQueries) -> None:
    compared = answers.compare("r", 2)
    assert list(compared.models) == ["linear", "centrality"]
    assert compared.models["centrality"].risk[0] == pytest.approx(1 - exp(-1.4))
    assert compared.top_k_overlap == 1.0
    assert compared.rank_correlation == 1.0


def test_any_two_of_three_models_are_compared(answers: ApiQueries) -> None:
    pair = ["electrical", "linear"]
    compared = answers.compare("r", 2, pair)
    assert list(compared.models) == pair
    assert compared.models["electrical"].risk[0] == pytest.approx(1 - exp(-2.1))
    assert list(answers.history("r", pair).episodes.counts) == pair
    assert list(answers.history("r").episodes.counts) == ["linear", "centrality"]


@pytest.mark.parametrize("pair", [[], ["linear"], ["linear"] * 2, list(BOOST)])
def test_what_is_not_two_models_is_a_wrong_question(answers: ApiQueries, pair: list[str]) -> None:
    for ask in (lambda: answers.compare("r", 2, pair), lambda: answers.history("r", pair)):
        with pytest.raises(UsageError, match="two different names"):
            ask()


def test_one_model_answers_all_but_a_comparison(answers: ApiQueries) -> None:
    alone = replace(answers, influence={"centrality": INFLUENCE})
    assert alone.overview().models == ["centrality"]
    assert alone.state(None, None).model == "centrality"
    assert {e.model for e in alone.episodes(None, None, 9).episodes} <= {"centrality"}
    assert [run.run for run in alone.runs().runs] == ["r"]
    with pytest.raises(UsageError, match="only centrality is enabled: there is nothing to comp"):
        alone.compare(None, 2)
    with pytest.raises(UsageError, match="nothing to compare"):
        alone.history(None)


def test_runs_that_other_settings_have_ended_are_marked(answers: ApiQueries) -> None:
    assert [run.settings_changed for run in answers.runs().runs] == [False]
    ended = replace(answers, ended_runs={"r"})
    assert [run.settings_changed for run in ended.runs().runs] == [True]


def test_the_overview_says_which_models_there_are_with_titles(answers: ApiQueries) -> None:
    overview = answers.overview()
    assert overview.models == list(BOOST)
    assert overview.model_info["electrical"].title == "Electrical sensitivity"
    assert all(info.explanation for info in overview.model_info.values())


@pytest.mark.parametrize(
    ("ask", "exists"),
    [
        (lambda a: a.state("magic", None), list(BOOST)),
        (lambda a: a.compare(None, 5, ["linear", "magic"]), list(BOOST)),
        (lambda a: a.state("linear", "other"), ["r"]),
        (lambda a: a.node("q", None, None), ["a", "b", "c"]),
    ],
)
def test_what_is_unknown_is_answered_with_what_exists(answers: ApiQueries, ask, exists) -> None:
    with pytest.raises(UnknownError) as caught:
        ask(answers)
    assert caught.value.exists == exists


def test_top_overlap_is_the_jaccard_index_of_the_positive_tops() -> None:
    one, other = np.array([0.9, 0.8, 0.1, 0.0]), np.array([0.9, 0.0, 0.8, 0.0])
    assert top_overlap(one, other, 2) == pytest.approx(1 / 3)
    assert top_overlap(one * 0, other * 0, 2) is None


def test_rank_correlation_is_kendalls_tau_and_nothing_for_constants() -> None:
    one = np.array([1.0, 2.0, 3.0])
    assert rank_correlation(one, -one) == pytest.approx(-1.0)
    assert rank_correlation(one, np.zeros(3)) is None
