from pathlib import Path

import pytest

from bench.peers import environment
from topology.errors import GridstressError


@pytest.mark.parametrize(
    ("command", "why"),
    [(["sleep", "60"], "not done within 0.1 s"), (["sh", "-c", "echo no; exit 1"], "no")],
)
def test_an_installation_that_fails_or_takes_too_long_is_an_error(
    command: list[str], why: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(environment, "INSTALL_S", 0.1)
    with pytest.raises(GridstressError, match=f"quix could not be installed: {why}$"):
        environment._run(Path("quix/requirements.txt"), command)
