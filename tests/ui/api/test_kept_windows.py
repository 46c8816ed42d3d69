"""Final windows are kept within bounds, of one run and of many."""

import pytest

from ui.api import kept_windows
from ui.api.kept_windows import KeptWindow, KeptWindows

PLACES = [("linear", 0), ("linear", 1), ("centrality", 0)]


def window(end_s: float, size: int = 100) -> KeptWindow:
    return KeptWindow(end_s, 0.5, b"x" * size)


def kept(windows: KeptWindows, run: str) -> list[list[float]]:
    return [[one.end_s for one in windows.of(run, place)] for place in PLACES]


def test_of_the_only_run_the_oldest_windows_go_when_they_take_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_windows, "MAX_BYTES", 650)
    windows = KeptWindows()
    for end_s in range(10):
        for place in PLACES:
            windows.add("r", place, window(end_s))
    assert kept(windows, "r") == [[8, 9]] * 3


def test_one_window_a_place_stays_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_windows, "MAX_BYTES", 650)
    windows = KeptWindows()
    for end_s in range(3):
        for place in PLACES:
            windows.add("r", place, window(end_s, size=1_000))
    assert kept(windows, "r") == [[2]] * 3


def test_another_run_goes_before_a_window_of_the_run_that_moved_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_windows, "MAX_BYTES", 650)
    windows = KeptWindows()
    for end_s in range(5):
        windows.add("old", PLACES[0], window(end_s))
    for end_s in range(2):
        windows.add("new", PLACES[0], window(end_s))
    assert kept(windows, "old") == [[], [], []]
    assert kept(windows, "new") == [[0, 1], [], []]
