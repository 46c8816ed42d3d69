"""When a process takes no measurements, and what it says then."""

from typing import Any, cast

import pytest

from gridstress.live.http_intake import MAX_WAITING, BusyError, Post
from topology.grid import Grid


@pytest.mark.parametrize(
    ("ready", "waiting", "why"),
    [
        (False, 0, "this worker is not ready"),
        (True, MAX_WAITING + 1, "2,001 records wait already"),
        (True, None, "no worker is there: none that has started has reported lately"),
    ],
)
async def test_what_would_only_wait_is_not_taken(
    triangle: Grid, ready: bool, waiting: int | None, why: str
) -> None:
    unused = cast(Any, None)
    post = Post(triangle, 1, unused, lambda: ready, lambda: waiting, ledger=unused, describe=unused)
    with pytest.raises(BusyError, match=why):
        await post(b"", "test", None)
