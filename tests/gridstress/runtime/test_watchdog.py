"""Real workers that hang, and what the watchdog makes of them."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.harness.brokers import embedded_broker
from gridstress.kafka import topics
from gridstress.local import processes
from tests.gridstress.runtime import hung_worker
from tests.integration.harness import HASTY, READY_S, send, wait_for
from tests.support import commands

pytestmark = pytest.mark.integration

IDLE_S = 2.0
"""Time-out of a worker that says that it is stalled and goes on."""

START_S = 6.0
"""Of one that ends: more than a start takes without progress."""


@pytest.fixture
def broker() -> Iterator[str]:
    """One for each test: what hung one worker would hang the next."""
    with embedded_broker() as running:
        yield running.bootstrap


@pytest.fixture
def start(broker: str, tmp_path: Path) -> Iterator[Callable[..., tuple[str, Any]]]:
    """Start a worker that hangs; its address and its process."""
    started: list[processes.Service] = []

    def start_one(how: str, *, ends: bool) -> tuple[str, processes.Service]:
        port = processes.free_port()
        url = f"http://127.0.0.1:{port}/api/v1/health"
        spec = processes.ServiceSpec(
            name="worker",
            command=[
                *(sys.executable, "-m", hung_worker.__name__, how),
                *("worker", "-l", "info", "--web-port", str(port)),
            ],
            ready=lambda: health(url)[0] == 200,
            environment={
                **HASTY,
                "GRIDSTRESS_BROKER": f"kafka://{broker}",
                "GRIDSTRESS_GROUP": f"{how}-{ends}",
                "GRIDSTRESS_DATA_DIR": str(tmp_path / "data"),
                "GRIDSTRESS_STALL_TIMEOUT_S": str(START_S if ends else IDLE_S),
                "GRIDSTRESS_STALL_EXIT": str(ends).lower(),
            },
            directory=tmp_path,
        )
        started.append(commands.spawn(spec, tmp_path))
        processes.wait_until_healthy(spec, started[-1], time.monotonic() + READY_S)
        return url, started[-1]

    yield start_one
    for service in started:
        processes.stop(service, grace_s=0)  # one that hangs does not hear that it is asked to


def health(url: str) -> tuple[int, Any]:
    """Status code and answer; (0, None) if there is none."""
    try:
        answer = httpx.get(url, timeout=2)
    except httpx.HTTPError:
        return 0, None
    return answer.status_code, answer.json()


async def test_a_worker_with_a_hung_stage_says_so_and_one_without_work_does_not(
    broker: str, start: Callable[..., tuple[str, Any]]
) -> None:
    url, _ = start("stage", ends=False)
    until = time.monotonic() + 2 * IDLE_S
    while time.monotonic() < until:
        assert health(url)[0] in (0, 200), "nothing to do is no stall"
        await asyncio.sleep(0.5)
    await send(broker, topics.MEASUREMENTS, [(0, b"{}")] * 3)
    wait_for(lambda: health(url)[0] == 503, "it is unhealthy", 60)
    answer = health(url)[1]
    assert answer["status"] == "stalled"
    assert answer["reason"].startswith("detection: 3 records wait, none finished for ")


@pytest.mark.parametrize(
    ("how", "reason"),
    [("stage", "detection: 1 records wait"), ("loop", "the event loop has stood still")],
)
def test_a_stalled_worker_ends_if_it_is_set_to(
    broker: str, start: Callable[..., tuple[str, Any]], how: str, reason: str
) -> None:
    _, service = start(how, ends=True)
    asyncio.run(send(broker, topics.MEASUREMENTS, [(0, b"{}")]))
    wait_for(lambda: not service.alive, "the worker has ended", 90)
    log = Path(service.log).read_text()
    assert f"worker ends without committing: stalled: {reason}" in log
