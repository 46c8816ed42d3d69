"""The table of files that share a process or start first is that of the files there are."""

import re

from tests.support.scheduling import LONGEST, TESTS, TOGETHER, unit


def test_every_file_of_the_table_is_there() -> None:
    groups = set(TOGETHER.values())
    files = [*TOGETHER, *(name for name in LONGEST if name not in groups)]
    assert [name for name in files if not (TESTS / name).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)


def test_every_file_that_drives_a_browser_shares_one_of_two() -> None:
    mark = re.compile(r"^(@|pytestmark = .*)pytest\.mark\.browser", re.MULTILINE)
    files = [path for path in TESTS.glob("**/test_*.py") if mark.search(path.read_text("utf-8"))]
    assert len(files) > 10
    units = {unit(path.relative_to(TESTS).as_posix()) for path in files}
    assert units == {"first browser", "second browser"}
