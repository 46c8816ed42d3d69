import time
import tracemalloc
from collections.abc import Callable
from itertools import count

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from tables.shard_view import ShardView
from tables.sparse import SparseVector
from tables.view_epoch import NO_EPOCH, ViewEpoch
from tests.support.frames import at, hour_s, run_record
from tests.ui.literal_api import worker
from topology.codec import encode
from topology.messages import RiskAlert, RiskWindow
from ui.api.view_store import GOING_S, MAX_ALERTS, Store, memory_of
from ui.schema.system import GONE_S

ids = count()
LOG = "gridstress-risk_linear-changelog"
EMPTY = SparseVector(0, b"", b"")
FORMER, OWNER = ViewEpoch(4, LOG), ViewEpoch(5, LOG)


def view(
    shard: int = 0,
    run: str = "r",
    published_at: float = 1.0,
    hour: float = 1.0,
    *,
    started_ms: int = 0,
    ended: bool = False,
) -> bytes:
    return msgspec.json.encode(
        ShardView(
            model="linear", run=run, shard=shard, worker="w", published_at=published_at,
            started_ms=started_ms, event_time_s=hour_s(hour), watermark_s=hour_s(hour - 1),
            closed_until_s=None, ended=ended, window_end_s=None, stress=EMPTY, risk=EMPTY, level=[],
            panes=[], idle_zones=[], late_rows=0, gaps=0,
        )
    )  # fmt: skip


def alert(hour: float = 1, run: str = "r", node: str = "a") -> bytes:
    return encode(
        RiskAlert(
            alert_id=f"{run}-{node}-{hour}", episode_id="e", model="linear", run=run, node_id=node,
            timestamp=at(hour), window_start=at(hour - 6), window_end=at(hour), risk_score=0.5,
            level="WARNING", state="RAISED", sources=[],
        )
    )  # fmt: skip


def window(hour: float, run: str = "r") -> bytes:
    return encode(
        RiskWindow(
            model="linear", run=run, shard=0, window_start=at(hour - 6), window_end=at(hour),
            nodes=["a"], stress=np.array([1.0]), risk=np.array([0.6]),
        )
    )  # fmt: skip


@pytest.fixture
def store() -> Store:
    return Store()


def test_every_change_has_a_version_of_its_own(store: Store) -> None:
    versions = [store.version]
    store.apply_view(view(), 1.0, OWNER)
    versions.append(store.version)
    store.apply_alert(alert(), 5.0)
    versions.append(store.version)
    store.apply_window(window(1), "linear", 0)
    versions.append(store.version)
    assert versions == sorted(set(versions))


def shown_hour(store: Store) -> float:
    event_time_s = store.runs["linear", "r"].event_time_s
    assert event_time_s is not None
    return (event_time_s - hour_s(0)) / 3600


def test_the_next_owners_view_replaces_one_from_a_clock_that_is_ahead(store: Store) -> None:
    store.apply_view(view(published_at=1000.0, hour=4), 10.0, FORMER)
    store.apply_view(view(published_at=400.0, hour=5), 11.0, OWNER)
    assert shown_hour(store) == 5


def test_a_late_view_of_a_former_owner_does_not_replace_the_owners(store: Store) -> None:
    store.apply_view(view(published_at=400.0, hour=5), 10.0, OWNER)
    store.apply_view(view(published_at=1000.0, hour=4), 11.0, FORMER)
    assert shown_hour(store) == 5


def test_of_an_owners_views_the_last_in_the_log_is_shown_whatever_its_clock_says(
    store: Store,
) -> None:
    store.apply_view(view(published_at=2.0, hour=5), 10.0, OWNER)
    store.apply_view(view(published_at=1.0, hour=6), 11.0, OWNER)
    assert shown_hour(store) == 6


def test_a_view_without_an_epoch_gives_way_to_one_with_it_and_never_replaces_it(
    store: Store,
) -> None:
    store.apply_view(view(published_at=9.0, hour=4), 10.0, NO_EPOCH)
    store.apply_view(view(published_at=9.0, hour=5), 11.0, NO_EPOCH)
    assert shown_hour(store) == 5
    store.apply_view(view(published_at=1.0, hour=6), 12.0, FORMER)
    store.apply_view(view(published_at=9.0, hour=5), 13.0, NO_EPOCH)
    assert shown_hour(store) == 6


def test_another_groups_epochs_begin_anew_and_its_views_are_shown(store: Store) -> None:
    store.apply_view(view(hour=5), 10.0, OWNER)
    store.apply_view(view(hour=6), 11.0, ViewEpoch(1, "other-risk_linear-changelog"))
    assert shown_hour(store) == 6


def test_a_former_owners_tombstone_removes_nothing(store: Store) -> None:
    store.apply_view(view(), 10.0, OWNER)
    store.drop_view("linear", "r", 0, FORMER)
    store.drop_view("linear", "r", 0, NO_EPOCH)
    assert store.runs_of("linear") == ["r"]


def test_a_late_view_does_not_bring_a_forgotten_run_back(store: Store) -> None:
    store.apply_view(view(), 10.0, FORMER)
    store.drop_view("linear", "r", 0, OWNER)
    store.apply_view(view(published_at=1000.0), 11.0, FORMER)
    assert store.runs_of("linear") == []
    store.apply_view(view(), 12.0, OWNER)  # sent again: it has begun again
    assert store.runs_of("linear") == ["r"]


def test_epochs_of_tombstones_are_bounded_and_those_of_views_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.api.view_store.MAX_TOMBSTONES", 3)
    store.apply_view(view(run="left"), 1.0, OWNER)
    for i in range(10):
        store.drop_view("linear", f"r{i}", 0, OWNER)
    assert [run for _, run, _ in store._dropped] == ["r7", "r8", "r9"]
    assert store.runs_shown("linear", 0, LOG) == ["left"]
    store.apply_view(view(run="left", hour=4), 2.0, FORMER)
    store.drop_view("linear", "left", 0, FORMER)
    assert store.runs["linear", "left"].event_time_s == hour_s(1)


def traced(made: Callable[[], object]) -> int:
    """Bytes of memory that something takes."""
    tracemalloc.start()
    kept = made()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return size


ODD = {
    "stressed": {"stress": [20_000, "AAAA" * 20_000, "AAAA" * 40_000]},
    "zones": {"applied": {f"{i:x}": 0 for i in range(20_000)}},
    "idle": {"idle_zones": [f"{i:x}" for i in range(20_000)]},
    "text": {"worker": "w" * 200_000},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_the_memory_that_is_counted_is_that_of_the_view_within_a_factor_of_two(
    odd: dict[str, object],
) -> None:
    raw = msgspec.json.encode(msgspec.json.decode(view()) | odd)
    took = traced(lambda: msgspec.json.decode(raw, type=ShardView))
    assert 0.5 * took < memory_of(raw) < 2 * took


def test_the_run_whose_views_moved_longest_ago_goes_when_they_take_too_much(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.api.view_store.MAX_VIEW_BYTES", 6 * memory_of(view(run="r0")) + 10)
    for run in ("r0", "r1", "r2", "r0", "r0"):
        for shard in (0, 1):
            store.apply_view(view(shard, run), 1.0, NO_EPOCH)
    assert len(store.runs) == 3
    store.drop_view("linear", "r2", 1, NO_EPOCH)
    store.apply_view(view(run="r3"), 1.0, NO_EPOCH)
    assert len(store.runs) == 4
    store.apply_view(view(run="r4"), 1.0, NO_EPOCH)
    assert [run for _, run in store.runs] == ["r2", "r0", "r3", "r4"]


def test_runs_that_are_shown_have_a_number_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.api.view_store.MAX_RUNS", 3)
    for i in range(10):
        store.apply_view(view(run=f"r{i}"), 1.0, NO_EPOCH)
    assert [run for _, run in store.runs] == ["r7", "r8", "r9"]


def test_a_worker_is_judged_by_the_brokers_clock_and_not_by_its_own(store: Store) -> None:
    raw = msgspec.json.encode(worker("w:1", seen_at=5000.0))
    store.apply_status(raw, 1000.0)
    assert store.workers["w:1"].seen_at == 1000.0
    assert store.workers["w:1"].started_at == 1000.0 - 7300
    assert store.clock.now() == pytest.approx(1000.0, abs=1.0)


def test_a_worker_that_has_been_silent_for_long_is_forgotten(store: Store) -> None:
    for number, at_s in enumerate([0.0, GONE_S, 2 * GONE_S]):
        store.apply_status(msgspec.json.encode(worker(f"w:{number}", seen_at=at_s)), at_s)
    assert list(store.workers) == ["w:1", "w:2"]


def test_the_runs_of_which_a_shards_view_is_there(store: Store) -> None:
    store.apply_view(view(0), 1.0, OWNER)
    assert store.runs_shown("linear", 0, OWNER.changelog) == ["r"]
    assert store.runs_shown("linear", 0, "other-risk_linear-changelog") == []
    assert store.runs_shown("linear", 1, OWNER.changelog) == []
    assert store.runs_shown("centrality", 0, OWNER.changelog) == []
    store.drop_view("linear", "r", 0, OWNER)
    assert store.runs_shown("linear", 0, OWNER.changelog) == []


def test_the_watermark_of_a_run_is_that_of_its_slowest_shard(store: Store) -> None:
    store.apply_view(view(0, hour=5), 1.0, OWNER)
    store.apply_view(view(1, hour=3), 1.0, OWNER)
    run = store.runs["linear", "r"]
    assert (run.event_time_s, run.watermark_s) == (hour_s(5), hour_s(2))


def test_speed_is_event_time_over_wall_time(store: Store) -> None:
    for second in range(5):
        ahead = second + 600.0  # the publisher's clock has no say
        store.apply_view(view(published_at=ahead, hour=second), float(second), OWNER)
    run = store.runs["linear", "r"]
    assert run.speed(now=4.0) == 3600.0
    assert run.speed(now=60.0) is None  # nothing has moved for a minute


def test_a_view_that_was_dropped_is_gone_with_its_run(store: Store) -> None:
    store.apply_view(view(0), 1.0, OWNER)
    store.drop_view("linear", "r", 0, OWNER)
    store.drop_view("linear", "r", 1, OWNER)
    assert store.runs_of("linear") == []


def test_runs_come_newest_first_whichever_published_last(store: Store) -> None:
    now = time.time()
    store.apply_view(view(run="new", started_ms=2_000), now, OWNER)
    store.apply_view(view(run="old", started_ms=1_000), now + 1, OWNER)
    assert store.runs_of("linear") == ["new", "old"]


def test_a_run_that_goes_on_comes_before_those_that_ended_or_were_given_up(store: Store) -> None:
    now = time.time()
    store.apply_view(view(run="given up", started_ms=4_000), now - GOING_S - 1, OWNER)
    store.apply_view(view(run="feed", started_ms=1_000), now - GOING_S + 60, OWNER)
    store.apply_view(view(run="replay", started_ms=2_000, ended=True), now, OWNER)
    assert store.runs_of("linear") == ["feed", "given up", "replay"]


def test_an_alert_that_is_sent_again_is_shown_once(store: Store) -> None:
    store.apply_alert(alert(), 5.0)
    store.apply_alert(alert(), 9.0)
    assert [item.received_at for item in store.alerts("linear", "r")] == [5.0]


def test_alerts_come_newest_first_from_a_time_on(store: Store) -> None:
    for hour in (1, 3, 2):
        store.apply_alert(alert(hour), float(hour))
    assert [i.received_at for i in store.alerts("linear", "r", since=2.0)] == [3.0, 2.0]
    assert store.alerts("linear", "other") == []


def test_alerts_are_bounded(store: Store) -> None:
    for i in range(MAX_ALERTS + 1):
        store.apply_alert(alert(i / 100), float(i))
    kept = store.alerts("linear", "r")
    assert len(kept) <= MAX_ALERTS
    assert kept[0].received_at == float(MAX_ALERTS)


def test_the_alerts_dropped_are_the_oldest_in_the_log_whenever_they_were_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.api.view_store.MAX_ALERTS", 10)
    store.apply_view(view(), 1.0, OWNER)
    for hour in (5, 6, 7, 8, 9, 0, 1, 2, 3, 4):  # one partition after the other
        store.apply_alert(alert(hour), float(hour))
    assert not store.lacks("r")
    store.apply_alert(alert(10), 10.0)
    assert [i.received_at for i in store.alerts("linear", "r")] == list(range(10, 1, -1))
    assert store.lacks("r")
    store.apply_alert(alert(0), 11.0)  # no longer known
    assert len(store.alerts("linear", "r")) == 10


def test_that_alerts_were_dropped_is_known_of_runs_whose_views_come_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a server that starts: it reads the topics in any order."""
    monkeypatch.setattr("ui.api.view_store.MAX_ALERTS", 4)
    monkeypatch.setattr("ui.api.view_store.MAX_CUT_RUNS", 3)
    for n, run in enumerate(("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7")):
        store.apply_alert(alert(run=run), float(n))
    assert [run for run in ("r0", "r1", "r2", "r3", "r4") if store.lacks(run)] == ["r1", "r2", "r3"]
    store.apply_view(view(run="r3"), 9.0, OWNER)
    assert store.lacks("r3")


def test_windows_are_of_one_run_each_once_oldest_first(store: Store) -> None:
    for hour, run in ((2, "r"), (1, "r"), (2, "r"), (7, "other")):
        store.apply_window(window(hour, run), "linear", 0)
    ends = [end_s for end_s, _, _ in store.week("linear", "r", 0, "a")]
    assert ends == [at(1).timestamp(), at(2).timestamp()]
    last = store.last_window("linear", "r", 0)
    assert last is not None
    assert last.window_end == at(2)


def test_records_written_longest_ago_are_forgotten_when_they_take_too_much(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = 3 * memory_of(encode(run_record("0")))
    monkeypatch.setattr("ui.api.view_store.MAX_RECORD_BYTES", three + 10)
    for run in ("0", "1", "2", "0", "new"):
        store.apply_record(run, run_record(run))
    assert list(store.records) == ["2", "0", "new"]


def test_large_records_do_not_fill_the_memory(store: Store) -> None:
    def fill() -> Store:
        for i in range(100):
            record = replace(run_record(str(i)), changes=[f"{j}{'x' * 900}" for j in range(1000)])
            store.apply_record(record.run, record)
        return store

    assert traced(fill) < 40_000_000
    assert "99" in store.records
    for i in range(100):
        store.apply_record(str(i), None)
    assert store._record_bytes == 0
