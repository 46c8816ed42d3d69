import argparse

import pytest

from bench.__main__ import _options, _parts
from bench.parts import PARTS, QUICK


def test_everything_is_measured_unless_asked():
    options = _options([])
    assert (options.command, options.quick, options.only, options.grid) == (
        "run",
        False,
        None,
        None,
    )


def test_parts_and_circumstances_can_be_chosen():
    options = _options(["--only", "rate,latency", "--grid", "germany", "--grid", "refined-2000"])
    assert options.only == ["rate", "latency"]
    assert options.grid == ["germany", "refined-2000"]


def test_a_part_that_does_not_exist_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match="no part 'speed'"):
        _parts("rate,speed")


def test_a_picture_needs_a_result(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        _options(["--picture", "curve.svg"])
    assert "--picture draws the result that --report names" in capsys.readouterr().err


def test_a_smoke_test_has_parts_that_exist():
    assert set(QUICK) < set(PARTS)
