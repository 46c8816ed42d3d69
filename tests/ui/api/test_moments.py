"""Moments of a run that the views keep in part, or with records of others in it."""

import msgspec
import numpy as np
import pytest

from tables.view_epoch import ViewEpoch
from topology.clock import to_datetime
from topology.codec import encode
from topology.grid import Grid
from topology.messages import RiskAlert, RiskWindow
from ui.api.kept_windows import MAX_WINDOWS
from ui.api.moments import MomentStore, run_view
from ui.api.view_store import Store

FIRST_S = 1_546_300_800
HOUR = 3600


def end_of(hour: int) -> int:
    return FIRST_S + hour * HOUR


def window(grid: Grid, hour: int, risk: float = 0.1) -> bytes:
    n = len(grid.nodes)
    return encode(
        RiskWindow(
            model="linear",
            run="r",
            shard=0,
            window_start=to_datetime(end_of(hour) - 6 * HOUR),
            window_end=to_datetime(end_of(hour)),
            nodes=list(grid.ids),
            stress=np.full(n, risk),
            risk=np.full(n, risk),
        )
    )


def alert(node: str, hour: int, state: str = "RAISED", episode: str = "e") -> bytes:
    return encode(
        RiskAlert(
            alert_id=f"{episode}-{state}",
            episode_id=episode,
            model="linear",
            run="r",
            node_id=node,
            timestamp=to_datetime(end_of(hour)),
            window_start=to_datetime(end_of(hour) - 6 * HOUR),
            window_end=to_datetime(end_of(hour)),
            risk_score=0.6,
            level="HIGH",
            state=state,
            sources=[],
        )
    )


def store_of(grid: Grid, hours: range) -> Store:
    """A live run of which these windows of shard 0 came."""
    store, zeros = Store(), np.zeros(len(grid.nodes))
    head, members = ("linear", "r", "w", 0.0, 0), [range(len(grid.nodes))]
    values = (zeros, zeros, zeros.astype(int))
    for part in run_view(head, members, end_of(hours[-1]), values, ended=False).shards.values():
        store.apply_view(msgspec.json.encode(part), 0.0, ViewEpoch(1, "c"))
    for hour in hours:
        store.apply_window(window(grid, hour), "linear", 0)
    return store


def moment(
    store: Store, grid: Grid, hour: int, shards: int = 1, model: str = "linear"
) -> MomentStore:
    split = np.array_split(range(len(grid.nodes)), shards)
    members = [some.tolist() for some in split]
    return MomentStore(store, grid.index, members, [model], "r", end_of(hour), 6 * HOUR)


def test_a_peak_before_the_kept_windows_is_looked_up_elsewhere(triangle: Grid) -> None:
    store = store_of(triangle, range(MAX_WINDOWS + 100))
    store.apply_alert(alert(triangle.ids[0], 50), 0.0)
    then = moment(store, triangle, 150)
    assert then.runs["linear", "r"].shards[0].level[0] == 2
    with pytest.raises(LookupError):
        then.episodes("linear", "r")


def test_windows_of_which_the_beginning_was_never_read_are_not_all(triangle: Grid) -> None:
    store = store_of(triangle, range(50, 60))
    with pytest.raises(LookupError):
        moment(store, triangle, 10)
    assert moment(store, triangle, 50).runs["linear", "r"].event_time_s == end_of(50)


def test_a_shard_of_which_nothing_has_come_keeps_all_windows_from_being_final(
    triangle: Grid,
) -> None:
    then = moment(store_of(triangle, range(10)), triangle, 5, shards=2)
    assert then.runs["linear", "r"].event_time_s is None
    assert then.alerts("linear", "r") == []


def test_levels_are_those_of_the_last_alert_by_event_time(triangle: Grid) -> None:
    store = store_of(triangle, range(10))
    # The worker that took over has a clock that is behind.
    store.apply_alert(alert(triangle.ids[0], 3), 100.0)
    store.apply_alert(alert(triangle.ids[0], 5, "CLEARED"), 90.0)
    store.apply_alert(alert("of-another-grid", 4, episode="f"), 95.0)
    levels = [moment(store, triangle, hour).runs["linear", "r"].shards[0].level for hour in (4, 6)]
    assert [level[0] for level in levels] == [2, 0]
    assert len(moment(store, triangle, 6).alerts("linear", "r")) == 3


def test_a_model_that_has_nothing_of_the_run_yet_has_no_moment_of_it(triangle: Grid) -> None:
    then = moment(store_of(triangle, range(10)), triangle, 5, model="centrality")
    assert then.runs_of("centrality") == ["r"]
    assert then.runs["centrality", "r"].event_time_s is None
