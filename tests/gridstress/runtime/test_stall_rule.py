"""When a worker is stalled, and when it only rests, lags or recovers."""

from hypothesis import given
from hypothesis import strategies as st

from gridstress.runtime.stall_rule import Seen, Watch

TIMEOUT_S = 60.0

looks = st.lists(
    st.builds(
        Seen,
        ready=st.booleans(),
        recovered=st.integers(0, 3),
        waiting=st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
        done=st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
    ),
    max_size=30,
)
passed = st.floats(0, TIMEOUT_S / 2)


def working(done: int, waiting: int = 1, *, ready: bool = True, recovered: int = 0) -> Seen:
    return Seen(ready, recovered, {"a": waiting}, {"a": done})


def reasons(seen: list[Seen], each_s: float = 10.0) -> list[str | None]:
    watch = Watch(TIMEOUT_S)
    return [watch.see(one, each_s) for one in seen]


def test_a_stage_that_finishes_nothing_while_records_wait_is_stalled() -> None:
    found = reasons([working(5, waiting=n) for n in range(1, 12)])
    assert found.index(next(filter(None, found))) == 7  # 7 times 10 s after the first look
    assert found[-1] == "a: 11 records wait, none finished for 100 s"


@given(st.lists(passed), st.integers(0, 5))
def test_who_has_nothing_to_do_is_never_stalled(times: list[float], done: int) -> None:
    watch = Watch(TIMEOUT_S)
    assert not any(watch.see(working(done, waiting=0), each) for each in times)


@given(st.lists(passed))
def test_who_finishes_something_is_never_stalled_however_much_waits(times: list[float]) -> None:
    watch = Watch(TIMEOUT_S)
    assert not any(watch.see(working(n, 10**9), each) for n, each in enumerate(times))


def test_a_recovery_that_reads_on_is_not_stalled_and_one_that_hangs_is() -> None:
    assert not any(reasons([working(0, ready=False, recovered=n) for n in range(50)]))
    assert reasons([working(0, ready=False)] * 8)[-1] == "tables and partitions not ready for 70 s"


def test_rebalances_that_follow_each_other_without_end_are_a_stall() -> None:
    assert reasons([working(n, ready=False) for n in range(8)])[-1]


@given(looks, st.data())
def test_it_is_never_stalled_before_the_time_out(seen: list[Seen], data: st.DataObject) -> None:
    watch, total_s = Watch(TIMEOUT_S), 0.0
    for one in seen:
        each = data.draw(passed)
        total_s += each
        if watch.see(one, each):
            assert total_s > TIMEOUT_S


@given(looks, st.lists(passed, min_size=30, max_size=30))
def test_one_finished_record_ends_a_stall(seen: list[Seen], times: list[float]) -> None:
    watch = Watch(TIMEOUT_S)
    for one, each in zip(seen, times, strict=False):
        watch.see(one, each)
    assert watch.see(working(99), TIMEOUT_S * 2) is None


def test_a_hung_stage_is_seen_although_the_others_go_on() -> None:
    watch = Watch(TIMEOUT_S)
    seen = [Seen(True, 0, {"hung": 3, "fine": 9}, {"hung": 1, "fine": n}) for n in range(8)]
    assert [watch.see(one, 10.0) for one in seen][
        -1
    ] == "hung: 3 records wait, none finished for 70 s"
