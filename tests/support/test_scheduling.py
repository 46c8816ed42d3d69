"""The table of files that share a process or start first is that of the files there are."""

from tests.support.scheduling import LONGEST, TESTS, TOGETHER, unit


def test_every_file_of_the_table_is_there() -> None:
    groups = set(TOGETHER.values())
    files = [*TOGETHER, *(name for name in LONGEST if name not in groups)]
    assert [name for name in files if not (TESTS / name).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)


def test_every_file_of_dashboard_pages_shares_one_of_two_browsers() -> None:
    files = [path.relative_to(TESTS).as_posix() for path in TESTS.glob("ui/test_browser*.py")]
    assert len(files) > 5
    assert {unit(name) for name in files} == {"first browser", "second browser"}
