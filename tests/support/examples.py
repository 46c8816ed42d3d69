"""How many examples property tests draw, and which: always the same in the gate, others each time
in ``make explore``.

A test with ``@given`` needs no ``@settings``: the profile says how many examples it gets. One
whose examples are dear takes a part of them, ``@examples.part(0.3)``.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, core, settings, strategies
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers

CHECKOUT = Path(__file__).parents[2]
GATE, EXPLORE = 50, 1000
"""Examples a test draws, in the gate and in a round of ``make explore``."""

SHRINKING_S = 900
"""Time-out, s, of a property test: Hypothesis shrinks for at most 300 s, and then says what it
found."""

T = TypeVar("T", bound=Callable[..., object])


def register() -> None:
    """Make both profiles known; the gate's is in force unless another is asked for."""
    set_hypothesis_home_dir(CHECKOUT / ".hypothesis")  # whatever the directory a test runs in
    no_clock = [HealthCheck.too_slow]
    settings.register_profile(
        "gate",
        max_examples=GATE,
        derandomize=True,
        deadline=None,
        phases=[phase for phase in Phase if phase is not Phase.explain],
        suppress_health_check=no_clock,
    )
    settings.register_profile(
        "explore",
        max_examples=EXPLORE,
        deadline=None,
        database=DirectoryBasedExampleDatabase(CHECKOUT / ".hypothesis" / "examples"),
        suppress_health_check=no_clock,
    )
    settings.load_profile("gate")


def prepare() -> None:
    """Have Hypothesis find out once which characters there are: it keeps that in a file.

    Each process that draws a text would take 5 s and 200 MB for it otherwise.
    """
    strategies.text().validate()


def same_every_time() -> None:
    """Let examples depend on the test alone.

    Hypothesis also draws numbers and texts that stand in our own modules: in all that have been
    imported so far, so other ones with each selection and order of tests.
    """
    providers._get_local_constants = providers.Constants


def part(of_profile: float) -> Callable[[T], T]:
    """Settings of a test that gets this part of the profile's examples, at least one."""
    return settings(max_examples=max(1, round(of_profile * settings().max_examples)))


def number(*, gate: int, explore: int) -> int:
    """How many cases a test takes that draws its own."""
    return explore if exploring() else gate


def exploring() -> bool:
    """Whether this is ``make explore``."""
    return settings.get_current_profile_name() == "explore"


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what only ``make explore`` runs: the mark ``explore(only=True)``."""
    marks = [item.get_closest_marker("explore") for item in items]
    left = [mark is not None and mark.kwargs.get("only", False) for mark in marks]
    config.hook.pytest_deselected(items=[i for i, out in zip(items, left, strict=True) if out])
    items[:] = [item for item, out in zip(items, left, strict=True) if not out]


def begin(item: pytest.Item) -> None:
    """Let the examples of a test come of ``--explore-seed`` and its name alone.

    With Hypothesis' own ``--hypothesis-seed`` it would keep no failed example for the next time.
    """
    if is_property(item):
        name = f"{item.config.getoption('--explore-seed')}/{item.nodeid}"
        core.threadlocal._hypothesis_global_random = random.Random(name)


def is_property(item: pytest.Item) -> bool:
    """Whether Hypothesis draws the examples of a test."""
    return item.get_closest_marker("hypothesis") is not None


def leave_time_to_shrink(item: pytest.Item) -> None:
    """Lengthen the time-out of a property test, so that it ends with an example to look at."""
    if item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(SHRINKING_S))
