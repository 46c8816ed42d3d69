import io

import msgspec
from rich.console import Console

from gridstress.verify.compare import compare
from gridstress.verify.recompute import recompute
from gridstress.verify.report import show
from gridstress.verify.run import Verification
from tests.gridstress.verify.samples import GRID, SETTINGS, echo, evening


def test_the_name_of_a_run_cannot_command_a_terminal():
    frames = [msgspec.structs.replace(f, run="\x1b[8mwinter\x07") for f in evening()]
    expected = recompute(frames[:1] + frames[2:], GRID, SETTINGS)
    outcomes = compare(expected, echo(expected))
    outcomes["linear"].problem("windows missing", f"no window of run {expected.run}")
    outcomes["linear"].largest_at = expected.run
    outcomes["linear"].largest = 1.0
    written = io.StringIO()
    show(
        Verification(expected, echo(expected), outcomes, open_checked=False, record=None),
        Console(file=written, width=200),
    )
    assert r"run \x1b[8mwinter\x07: " in written.getvalue()
    assert r"DIFFERENT: no window of run \x1b[8mwinter\x07" in written.getvalue()
    assert all(c.isprintable() or c == "\n" for c in written.getvalue())
