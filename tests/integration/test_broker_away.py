"""A worker whose broker is gone: it says so without a flood, and stops when it is asked."""

import signal
import time
from pathlib import Path

import pytest

from bench.harness.brokers import embedded_broker
from gridstress.local import processes
from tests.integration.harness import Stack, wait_for

pytestmark = pytest.mark.integration

STOP_S = 10.0
LINES = 40
"""At most, of some ten kinds; without a bound it would be hundreds a second."""


def test_it_says_so_once_and_stops_in_time(tmp_path: Path) -> None:
    with embedded_broker() as broker, Stack(broker.bootstrap, tmp_path) as stack:
        worker = stack.add_worker()
        log = Path(worker.service.log)
        before = len(log.read_text().splitlines())
        processes.stop(broker.service, grace_s=0)
        wait_for(lambda: "the broker does not answer" in log.read_text(), "it is said")
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 2, "time for a flood")
        process = worker.service.process()
        assert process is not None
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        wait_for(lambda: not worker.service.alive, "it has ended")
        assert time.monotonic() - asked < STOP_S
        text = log.read_text()
        assert text.count("the broker does not answer") == 1
        assert "it was asked to stop, and no broker answers" in text
        assert len(text.splitlines()) - before < LINES
