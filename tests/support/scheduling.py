"""Which tests run in one process, and which start first, when several processes share the tests."""

from pathlib import Path

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

TESTS = Path(__file__).parents[1]

TOGETHER: dict[str, str] = {}
"""Groups by file (relative to ``tests/``): the files of one share a process and its fixtures."""

LONGEST: tuple[str, ...] = ()
"""Groups and files that start first, the longest before all, so that none is left for the end."""


def unit(path: str) -> str:
    """What a file (relative to ``tests/``) runs with: its group, or itself."""
    if path.startswith("ui/test_browser"):
        return "browser"
    return TOGETHER.get(path, path)


def in_order(items: list[pytest.Item]) -> None:
    """Put the tests that take longest first, those of a unit beside each other."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(_unit_of(item), len(rank)))


def _unit_of(item: pytest.Item) -> str:
    path = item.path
    return unit((path.relative_to(TESTS) if path.is_relative_to(TESTS) else path).as_posix())


class UnitScheduling(LoadScopeScheduling):
    """Gives each process a unit after the other, in the order of the collected tests."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid.partition("::")[0].removeprefix("tests/"))
