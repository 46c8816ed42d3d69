import numpy as np
import pytest

from tests.support.frames import at, hour_s
from topology.codec import decode, encode
from topology.messages import RiskWindow, WindowHead
from ui.api.agreement_history import MAX_PENDING, MAX_RUNS, PART_BYTES, History

PAIR = ("linear", "centrality")
INDEX = {"a": 0, "b": 1, "c": 2, "d": 3}


def window(model: str, shard: int, hour: float, risks: dict[str, float], run: str = "r") -> bytes:
    return encode(RiskWindow(
        model=model, run=run, shard=shard, window_start=at(hour - 6), window_end=at(hour),
        nodes=list(risks), stress=np.ones(len(risks)), risk=np.array([*risks.values()]),
    ))  # fmt: skip


def add(history: History, raw: bytes) -> None:
    history.add(decode(raw, WindowHead), raw)


PATIENT_S = 60.0
"""How long one question may compare here, so that a busy machine compares all of it, too."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.api.agreement_history.COMPARING_S", PATIENT_S)


@pytest.fixture
def history() -> History:
    return History(INDEX, ["linear", "centrality"], shards=2, warning=0.5)


def test_a_point_comes_when_every_shard_of_every_model_has_closed(history: History) -> None:
    add(history, window("linear", 0, 1, {"a": 0.6, "b": 0.1}))
    add(history, window("linear", 1, 1, {"c": 0.5}))
    add(history, window("centrality", 1, 1, {"c": 0.2, "d": 0.8}))
    assert history.points("r") == []
    add(history, window("centrality", 0, 1, {"a": 0.7}))
    (point,) = history.points("r")
    assert point.end_s == hour_s(1)
    assert point.alarms == {"linear": 2, "centrality": 2}
    assert point.average_risk == pytest.approx({"linear": 0.3, "centrality": 0.425})
    assert point.agreement(PAIR).top_k_overlap == pytest.approx(2 / 4)
    assert point.agreement(PAIR).rank_correlation is not None


def test_a_window_that_is_sent_again_changes_nothing(history: History) -> None:
    frames = [window(m, s, 1, {}) for m in ("linear", "centrality") for s in (0, 1)]
    for _ in range(2):
        for frame in frames:
            add(history, frame)
    assert len(history.points("r")) == 1


def test_windows_that_never_become_whole_do_not_pile_up(history: History) -> None:
    for hour in range(MAX_PENDING + 50):
        add(history, window("linear", 0, hour, {}))
    assert len(history._pending) <= MAX_PENDING


def test_a_run_can_be_forgotten(history: History) -> None:
    for model in ("linear", "centrality"):
        for shard in (0, 1):
            add(history, window(model, shard, 1, {}))
    history.forget("r")
    assert history.points("r") == []


def parts(hour: float, run: str = "r") -> list[bytes]:
    risks = {"a": 0.6, "b": 0.1}
    return [window(m, s, hour, risks, run) for m in ("linear", "centrality") for s in (0, 1)]


def size(raws: list[bytes]) -> int:
    return sum(len(raw) + PART_BYTES for raw in raws)


def whole(history: History, hour: float, run: str = "r") -> None:
    for raw in parts(hour, run):
        add(history, raw)


def test_of_many_runs_the_ones_that_moved_last_are_kept(history: History) -> None:
    """Windows of a forgotten run may still come, and nothing forgets it again."""
    for number in range(MAX_RUNS + 3):
        whole(history, 1, f"run-{number}")
        whole(history, number, "always")
    kept = [n for n in range(MAX_RUNS + 3) if history.points(f"run-{n}")]
    assert kept == list(range(4, MAX_RUNS + 3))
    assert len(history.points("always")) == MAX_RUNS + 3


def test_what_one_question_has_no_time_for_the_next_ones_compare(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(5):
        whole(history, hour)
    now = iter(range(1_000))
    monkeypatch.setattr(
        "ui.api.agreement_history.time.monotonic", lambda: next(now) * PATIENT_S * 0.4
    )
    compared = []
    assert history.to_compare("r") == 5
    while history.to_compare("r"):
        known = [point.agreement(PAIR).top_k_overlap is not None for point in history.points("r")]
        assert known == sorted(known), "the newest come first"
        compared.append(sum(known))
        assert history.to_compare("r") == 5 - sum(known)
    assert compared == sorted(compared)
    assert len(compared) > 1


def test_risks_that_nobody_asks_for_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_three_windows = 3 * size(parts(0))
    monkeypatch.setattr("ui.api.agreement_history.MAX_BYTES", of_three_windows)
    history = History(INDEX, ["linear", "centrality"], shards=2, warning=0.5)
    for hour in range(5):
        whole(history, hour)
    points = history.points("r")
    assert [point.agreement(PAIR).top_k_overlap for point in points] == [None, None, 1.0, 1.0, 1.0]
    assert all(point.average_risk["linear"] == pytest.approx(0.35) for point in points)


def test_the_run_that_moved_longest_ago_loses_its_oldest_points(
    monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    monkeypatch.setattr("ui.api.agreement_history.MAX_POINTS", 4)
    for hour in range(3):
        whole(history, hour, "old")
    for hour in range(3):
        whole(history, hour, "new")
    assert [point.end_s for point in history.points("old")] == [hour_s(2)]
    assert len(history.points("new")) == 3
    whole(history, 3, "new")
    assert history.points("old") == []
    assert history._bytes_to_compare == size(parts(3, "new"))  # the others were compared


def test_a_window_that_cannot_be_read_has_no_agreement(history: History) -> None:
    good, *others = parts(1)
    for raw in (good.replace(b'"a"', b'"x"'), *others):
        add(history, raw)
    (point,) = history.points("r")
    assert point.agreement(PAIR).top_k_overlap is None
    assert point.alarms == {"linear": 2, "centrality": 2}


def test_windows_that_are_not_whole_have_a_bound_in_bytes(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = window("linear", 0, 1, {})
    monkeypatch.setattr("ui.api.agreement_history.MAX_BYTES", 3 * size([raw]))
    for hour in range(1, 9):
        add(history, window("linear", 0, hour, {}))
    assert len(history._pending) == 3
    assert history._pending_bytes == 3 * size([raw])


def test_every_pair_of_three_models_is_compared_in_whichever_order() -> None:
    history = History(INDEX, ["linear", "centrality", "electrical"], shards=1, warning=0.5)
    risks = {"linear": {"a": 0.9}, "centrality": {"a": 0.8, "b": 0.7}, "electrical": {"c": 0.6}}
    for model, of_nodes in risks.items():
        assert history.points("r") == []
        add(history, window(model, 0, 1, of_nodes))
    (point,) = history.points("r")
    assert point.agreement(("linear", "centrality")).top_k_overlap == pytest.approx(1 / 2)
    assert point.agreement(("electrical", "linear")).top_k_overlap == 0
    assert point.agreement(("linear", "electrical")) == point.agreement(("electrical", "linear"))
    assert point.alarms == {"linear": 1, "centrality": 2, "electrical": 1}


def test_one_model_alone_has_points_and_no_agreement() -> None:
    history = History(INDEX, ["linear"], shards=1, warning=0.5)
    add(history, window("linear", 0, 1, {"a": 0.6}))
    (point,) = history.points("r")
    assert point.alarms == {"linear": 1}
    assert point.agreements == {}
