from pathlib import Path

import pytest

from bench.measures.up import _gridstress
from topology.errors import GridstressError


def test_a_command_that_does_not_end_is_an_error(tmp_path: Path):
    (tmp_path / "gridstress").mkdir()
    (tmp_path / "gridstress" / "__main__.py").write_text("import signal; signal.pause()")
    with pytest.raises(GridstressError, match="gridstress up did not end within 1 s"):
        _gridstress(tmp_path, {"PYTHONPATH": str(tmp_path)}, "up", timeout_s=1.0)
