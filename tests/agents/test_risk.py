"""The risk stage against numbers worked out by hand and against plain sums."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from math import exp

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from agents.alarms import Thresholds
from agents.risk import Closing, RiskModel
from tables.risk_table import RiskTable
from tables.shard_state import ShardState
from tables.windows import WindowSpec
from tests.support.frames import at, hour_s, spread
from tests.support.memory import Table
from topology.codec import encode_all
from topology.errors import MessageError
from topology.grid import Grid, Line, Node
from topology.messages import LEVELS, PropagatedFrame, RiskAlert
from topology.ranking import top_sources

SPEC = WindowSpec(step_s=3600, size_s=3 * 3600, lateness_s=3600)
INFLUENCE = csr_array(np.array([[1.0, 0.5, 0.0], [0.25, 1.0, 0.4], [0.0, 0.3, 1.0]]))
GRID = Grid(
    "triangle",
    nodes=tuple(Node(n, n, 50.0, 8.0, z, 0.5, 100.0, 1.0) for n, z in ("ax", "bx", "cy")),
    lines=(Line("a", "b", 1.0, 380.0, 0.5), Line("b", "c", 1.0, 380.0, 0.5)),
)


class Shard:
    """One shard of a model, fed frame by frame, as the agent does it."""

    def __init__(self, spec: WindowSpec = SPEC) -> None:
        self.model = RiskModel("linear", GRID, INFLUENCE, 1, spec, Thresholds())
        self.store = Table()
        self.table = RiskTable(self.store, grid_size=3)
        self.late: list[int] = []
        self.ahead: list[int] = []
        self.closed: list[Closing] = []
        self.alerts: list[RiskAlert] = []

    def feed(self, *frames: PropagatedFrame) -> list[Closing]:
        closings: list[Closing] = []
        for frame in frames:
            state = self.state
            panes = self.table.panes("r", 0)
            skipped = self.model.fold(frame, state, panes)
            self.late += skipped.late
            self.ahead += skipped.ahead
            closings += self.model.close("r", 0, state, panes)
            changes = [
                *panes.changes(self.model.needed_from(state)),
                self.table.entry_change("r", 0, state),
            ]
            asyncio.run(self.table.write(0, changes, 0))
        self.closed += closings
        self.alerts += self.model.alerts("r", 0, closings)
        return closings

    @property
    def state(self) -> ShardState:
        return self.table.state("r", 0) or ShardState.new(3, started_ms=0)

    def end(self, hour: float) -> list[Closing]:
        return self.feed(*(spread(z, [hour], {}, final=True, seq=10**6) for z in "xy"))


@pytest.fixture
def shard() -> Shard:
    return Shard()


def test_nothing_closes_before_every_zone_has_passed_the_end(shard: Shard) -> None:
    assert shard.feed(spread("x", [0, 1, 2, 3], {"a": [1.0, 0.0, 0.0, 0.0]})) == []
    assert shard.feed(spread("y", [0, 1], {})) == []
    closed = shard.feed(spread("y", [2], {}))
    assert [c.final.window_end for c in closed] == [at(1)]


def test_a_window_holds_the_sums_of_its_panes_and_their_risk(shard: Shard) -> None:
    shard.feed(spread("x", [0, 1, 2], {"a": [0.1, 0.2, 0.4], "b": [0.0, 0.0, 1.0]}))
    shard.feed(spread("y", [0, 1, 2], {"b": [0.5, 0.0, 0.0]}))
    shard.end(3)
    last = shard.closed[-1].final
    assert (last.window_start, last.window_end) == (at(0), at(3))
    assert last.nodes == ["a", "b"]
    assert last.stress == pytest.approx([0.7, 1.5])
    assert last.risk == pytest.approx([1 - exp(-0.7), 1 - exp(-1.5)])


def test_windows_close_one_by_one_and_let_old_panes_go(shard: Shard) -> None:
    shard.feed(spread("x", range(6), {"a": [1.0] * 6}), spread("y", range(6), {}))
    shard.end(6)
    assert [c.final.window_end for c in shard.closed] == [at(h) for h in range(1, 7)]
    assert [c.final.stress for c in shard.closed] == [[1], [2], [3], [3], [3], [3]]


def test_a_frame_that_comes_again_changes_nothing(shard: Shard) -> None:
    frame = spread("x", [0, 1], {"a": [1.0, 2.0]})
    shard.feed(frame)
    before = dict(shard.store.shards[0])
    shard.feed(frame)
    assert shard.store.shards[0] == before


def test_a_row_that_only_its_pane_has_applied_is_not_added_again(shard: Shard) -> None:
    """A crash came after the pane was written and before the state was."""
    frame = spread("x", [0], {"a": [1.0]})
    panes = shard.table.panes("r", 0)
    shard.model.fold(frame, shard.state, panes)
    asyncio.run(shard.table.write(0, panes.changes(None), 0))
    shard.feed(frame, spread("y", [0], {}))
    shard.end(1)
    assert shard.closed[0].final.stress == [1.0]


def test_rows_behind_their_own_zone_are_late_and_the_rest_of_the_frame_counts(shard: Shard) -> None:
    shard.feed(spread("x", [5], {"a": [1.0]}, seq=0))
    shard.feed(spread("x", [3, 4, 6], {"a": [8.0, 2.0, 4.0]}, seq=1))
    assert shard.late == [1]
    shard.feed(spread("y", [4], {}))
    shard.end(7)
    assert shard.closed[-1].final.stress == [7.0]
    assert shard.state.late_rows == 1


def test_a_zone_far_behind_is_waited_for_and_not_late(shard: Shard) -> None:
    shard.feed(spread("x", range(100), {"a": [1.0] * 100}))
    shard.feed(spread("y", [0], {"c": [2.0]}))
    assert shard.late == []
    shard.end(100)
    assert shard.closed[0].final.nodes == ["a", "c"]
    assert len(shard.closed) == 100


def test_a_zone_given_up_does_not_hold_back_and_finds_its_past_closed(shard: Shard) -> None:
    shard.feed(spread("y", [0], {}), spread("x", [0, 1, 2, 3, 4], {}))
    state = shard.state
    assert shard.model.can_close_past_idle(state, {"y"})
    closed = list(shard.model.close("r", 0, state, shard.table.panes("r", 0)))
    asyncio.run(shard.table.write(0, [shard.table.entry_change("r", 0, state)], 0))
    assert [c.final.window_end for c in closed] == [at(1), at(2), at(3)]
    shard.feed(spread("y", [2, 3], {"c": [1.0, 1.0]}, seq=1))
    assert shard.late == [1]


FAR = 100 * 24.0


@pytest.fixture
def bounded() -> Shard:
    """A shard whose zones may not jump by more than a day."""
    return Shard(replace(SPEC, max_ahead_s=86_400))


def test_a_row_years_ahead_does_not_make_what_follows_late(bounded: Shard) -> None:
    bounded.feed(spread("x", [0], {"a": [1.0]}), spread("y", [0], {}))
    bounded.feed(spread("x", [1, FAR, 2, 26], {"a": [1.0, 64.0, 2.0, 4.0]}, seq=1))
    assert (bounded.ahead, bounded.late) == ([2], [])
    assert bounded.state.newest_s["x"] == at(26).timestamp()
    bounded.feed(spread("y", range(1, 27), {}))
    bounded.end(27)
    assert max(c.final.stress[0] for c in bounded.closed if c.final.nodes) == 4.0
    assert [c.final.window_end for c in bounded.closed] == [at(h) for h in range(1, 28)]
    assert (bounded.state.ahead_rows, bounded.state.gaps) == (1, 10**6 - 5 + 10**6 - 27)


def test_a_row_that_was_ahead_counts_as_seen(bounded: Shard) -> None:
    bounded.feed(spread("x", [0, FAR], {"a": [1.0, 1.0]}))
    before = dict(bounded.store.shards[0])
    bounded.feed(spread("x", [0, FAR], {"a": [1.0, 1.0]}))
    assert bounded.store.shards[0] == before


def test_a_row_just_within_the_bound_counts(bounded: Shard) -> None:
    bounded.feed(spread("x", [0], {}), spread("x", [24], {}, seq=1))
    bounded.feed(spread("x", [48.01], {}, seq=2))
    assert bounded.ahead == [2]
    assert bounded.state.newest_s["x"] == at(24).timestamp()


def test_an_end_years_ahead_does_not_end_its_zone(bounded: Shard) -> None:
    """Were it believed, a window a step would be closed, decades of them."""
    bounded.feed(spread("x", [0], {}), spread("y", [0], {}))
    bounded.feed(spread("x", [FAR], {}, seq=1, final=True), spread("y", [1], {}, seq=1, final=True))
    assert (bounded.ahead, bounded.closed) == ([1], [])
    bounded.feed(spread("x", [1], {}, seq=2, final=True))
    assert [c.final.window_end for c in bounded.closed] == [at(1)]


def test_the_end_of_a_zone_without_rows_does_not_say_when_the_run_ends(bounded: Shard) -> None:
    bounded.feed(spread("y", [FAR], {}, final=True))
    bounded.feed(spread("x", [0, 1], {}), spread("x", [2], {}, seq=2, final=True))
    assert [c.final.window_end for c in bounded.closed] == [at(1), at(2)]


def test_of_several_ends_the_latest_counts(bounded: Shard) -> None:
    bounded.feed(spread("x", [0, 1], {}), spread("x", [2], {}, seq=2, final=True))
    bounded.feed(spread("x", [1], {}, seq=3, final=True))
    bounded.feed(spread("y", [0], {}), spread("y", [1], {}, seq=1, final=True))
    assert [c.final.window_end for c in bounded.closed] == [at(1), at(2)]


def test_without_a_bound_any_distance_is_believed(shard: Shard) -> None:
    shard.feed(spread("x", [0, FAR, 1], {}))
    assert (shard.ahead, shard.late) == ([], [2])


def test_missing_sequence_numbers_are_counted(shard: Shard) -> None:
    shard.feed(spread("x", [0], {}, seq=0), spread("x", [3], {}, seq=3))
    assert shard.state.gaps == 2


def test_before_a_zones_first_number_nothing_is_missing(shard: Shard) -> None:
    shard.feed(spread("x", [0], {}, seq=490_000), spread("x", [2], {}, seq=490_002))
    assert shard.state.gaps == 1


def test_alerts_name_the_sources_with_their_shares(shard: Shard) -> None:
    """b: 1.0 of its own, 2.0 * 0.5 from a, 1.0 * 0.3 from c."""
    shard.feed(spread("x", [0], {"b": [2.0]}, sources={"a": [2.0], "b": [1.0]}))
    shard.feed(spread("y", [0], {"b": [0.3]}, sources={"c": [1.0]}))
    shard.end(1)
    (alert,) = [a for a in shard.alerts if a.node_id == "b"]
    assert (alert.state, alert.level, alert.timestamp) == ("RAISED", "HIGH", at(1))
    assert alert.risk_score == pytest.approx(1 - exp(-2.3))
    shares = {source.node_id: source.share for source in alert.sources}
    assert shares == pytest.approx({"a": 1 / 2.3, "b": 1 / 2.3, "c": 0.3 / 2.3})
    assert alert.alert_id == f"{alert.episode_id}-RAISED-HIGH"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (spread("z", [0], {}), "unknown-zone"),
        (spread("x", [0], {"q": [1.0]}), "unknown-node"),
        (spread("x", [0], {}, sources={"q": [1.0]}), "unknown-node"),
        (spread("x", [0], {}, shard=1), "unknown-shard"),
    ],
)
def test_what_does_not_belong_here_is_refused_unchanged(
    shard: Shard, frame: PropagatedFrame, reason: str
) -> None:
    state, panes = shard.state, shard.table.panes("r", 0)
    before = state.pack()
    with pytest.raises(MessageError) as caught:
        shard.model.fold(frame, state, panes)
    assert caught.value.reason == reason
    assert state.pack() == before


HOURS = 8
loads = st.lists(st.sampled_from([0.0, 0.1, 0.7, 1.3]), min_size=HOURS, max_size=HOURS)


@st.composite
def deliveries(draw: st.DrawFn) -> list[PropagatedFrame]:
    """Both zones' hours, cut into frames anyhow, mixed anyhow, with redeliveries."""
    queues = []
    for zone, node in (("x", "a"), ("y", "c")):
        values, frames, start = draw(loads), [], 0
        while start < HOURS:
            stop = draw(st.integers(start + 1, HOURS))
            frames.append(spread(zone, range(start, stop), {node: values[start:stop]}, seq=start))
            back = draw(st.integers(0, start))
            if draw(st.booleans()):
                frames.append(spread(zone, range(back, stop), {node: values[back:stop]}, seq=back))
            start = stop
        queues.append(frames)
    mixed = []
    while any(queues):
        mixed.append(draw(st.sampled_from([q for q in queues if q])).pop(0))
    return mixed


@given(deliveries())
def test_order_cuts_and_redelivery_do_not_change_windows_or_episodes(
    frames: list[PropagatedFrame],
) -> None:
    rows = {(f.zone, f.seq + i): f for f in frames for i in range(len(f.timestamps))}
    plain, mixed = Shard(), Shard()
    for zone, seq in sorted(rows, key=lambda key: (key[1], key[0])):
        frame = rows[zone, seq]
        i = seq - frame.seq
        node = frame.nodes[0]
        plain.feed(spread(zone, [seq], {node: [frame.stress[i][0]]}, seq=seq))
    mixed.feed(*frames)
    for shard in (plain, mixed):
        shard.end(HOURS)
    assert [c.final for c in plain.closed] == [c.final for c in mixed.closed]
    assert plain.alerts == mixed.alerts
    expected = {
        end: {
            node: sum(
                rows[zone, h].stress[h - rows[zone, h].seq][0] for h in range(max(0, end - 3), end)
            )
            for zone, node in (("x", "a"), ("y", "c"))
        }
        for end in range(1, HOURS + 1)
    }
    for closing in plain.closed:
        end = int((closing.final.window_end.timestamp() - hour_s(0)) / 3600)
        got = dict(zip(closing.final.nodes, closing.final.stress, strict=True))
        assert got == pytest.approx({n: s for n, s in expected[end].items() if s})


def alerts_one_by_one(closings: Sequence[Closing]) -> Iterator[RiskAlert]:
    """The alerts of windows of the run r by the rules in docs/messages.md, node after node."""
    level, since, peak = (
        dict.fromkeys("abc", 0),
        dict.fromkeys("abc", ""),
        dict.fromkeys("abc", 0.0),
    )
    for closing in closings:
        window, parts = closing.final, sum(pane.source_stress for pane in closing.window.panes)
        for i, node in enumerate("abc"):
            risk = dict(zip(window.nodes, window.risk.tolist(), strict=True)).get(node, 0.0)
            reached = sum(risk >= limit for limit in (0.5, 0.7, 0.9))
            peak[node] = max(peak[node], risk)
            if level[node] and risk < 0.4:
                state, shown, level[node] = "CLEARED", level[node], 0
            elif reached > level[node]:
                state, shown = "ESCALATED" if level[node] else "RAISED", reached
                level[node] = reached
            else:
                continue
            if state == "RAISED":
                since[node], peak[node] = f"{window.window_end:%Y-%m-%dT%H:%M:%SZ}", risk
            episode = sha256(f"linear/r/{node}/{since[node]}".encode()).hexdigest()[:16]
            yield RiskAlert(
                alert_id=f"{episode}-{state}-{LEVELS[shown - 1]}",
                episode_id=episode,
                model="linear",
                run="r",
                node_id=node,
                timestamp=window.window_end,
                window_start=window.window_start,
                window_end=window.window_end,
                risk_score=risk,
                peak_risk=peak[node],
                level=LEVELS[shown - 1],
                state=state,
                sources=top_sources(INFLUENCE.toarray()[:, i] * parts, GRID.ids),
            )


own = st.lists(st.floats(0, 1.5), min_size=40, max_size=40)


@given(own, own)
def test_alerts_of_many_windows_are_the_bytes_of_those_made_one_by_one(
    ofa: list[float], ofc: list[float]
) -> None:
    shard, hours = Shard(), range(40)
    for zone, node, stress in (("x", "a", ofa), ("y", "c", ofc)):
        column = GRID.ids.index(node)
        reached = {n: [s * INFLUENCE[column, i] for s in stress] for i, n in enumerate("abc")}
        shard.feed(spread(zone, hours, reached, sources={node: stress}))
    shard.end(40)
    expected = [msgspec.json.encode(alert) for alert in alerts_one_by_one(shard.closed)]
    assert encode_all(shard.alerts) == expected


YEARS = 49 * 8766.0


def test_a_first_row_of_1970_does_not_make_half_a_million_windows(bounded: Shard) -> None:
    bounded.feed(spread("y", [-YEARS], {"c": [1.0]}, seq=0))
    bounded.feed(spread("x", range(5), {"a": [1.0] * 5}))
    state = bounded.state
    assert bounded.model.can_close_past_idle(state, {"y"})
    closed = list(bounded.model.close("r", 0, state, bounded.table.panes("r", 0)))
    ends = [c.final.window_end for c in closed]
    assert ends == [*(at(-YEARS + h) for h in range(1, 5)), *(at(h) for h in (1, 2, 3))]
    assert closed[3].final.nodes == []
    assert state.watermark_s(GRID.zones, bounded.model.spec) == at(3).timestamp()
