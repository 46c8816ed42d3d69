import io
import re

import pytest

from gridstress.datasets.synthetic import synthetic_year
from gridstress.replay import progress as replay_progress
from gridstress.replay.progress import lines, progress_for
from gridstress.replay.schedule import Schedule, steps
from topology.grid import Grid, Node


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def schedule() -> Schedule:
    node = Node("n", "", 0, 0, "TenneT", 1.0, 1.0, 1.0)
    return Schedule(synthetic_year(), Grid("test", (node,), ()), "run")


def test_a_terminal_gets_a_bar_with_event_time_and_rate(schedule: Schedule) -> None:
    stream = Terminal()
    with progress_for(schedule, stream) as show:
        for step in steps(schedule.begin(), 24):
            show(step)
    text = stream.getvalue()
    assert "2025-12-31T23:00:00Z" in text
    assert "100%" in text
    assert "h/s" in text


def test_anything_else_gets_lines_with_event_time_rate_and_time_left(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_progress, "LINE_EVERY_S", 0.0)
    stream = io.StringIO()
    with progress_for(schedule, stream) as show:
        for step in steps(schedule.begin(), 24):
            show(step)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 366
    assert all(re.fullmatch(r"\S+Z  \d+ %  [\d,.]+ h/s  [\d,]+ s left", line) for line in lines)
    assert lines[-1].startswith("2025-12-31T23:00:00Z  100 %")
    assert lines[-1].endswith("0 s left")


def test_lines_are_seldom(schedule: Schedule) -> None:
    stream = io.StringIO()
    with lines(schedule, stream) as show:
        for step in steps(schedule.begin(), 24):
            show(step)
    assert len(stream.getvalue().splitlines()) <= 1
