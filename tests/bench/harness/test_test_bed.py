import os
from pathlib import Path

import pytest

from bench.harness.brokers import RunningBroker
from bench.harness.case import Case
from bench.harness.test_bed import TestBed as Bed
from bench.harness.worker import Worker, worker_spec
from gridstress.local.processes import Service, free_port


@pytest.fixture
def testbed(tmp_path: Path) -> Bed:
    """A test bed of which nothing runs; the test's own process stands for all of its parts."""
    made = Bed(Case(role="worker"), tmp_path / "grid.json", tmp_path)
    broker = Service.of("broker", os.getpid(), tmp_path / "broker.log")
    made.broker = RunningBroker("embedded", f"127.0.0.1:{free_port()}", broker)
    made.workers, made.views = [worker("worker-1", tmp_path)], worker("views", tmp_path)
    return made


def worker(name: str, home: Path) -> Worker:
    spec = worker_spec(name, free_port(), {}, home, log_level="warn")
    service = Service.of(name, os.getpid(), home / f"{name}.log")
    return Worker("http://127.0.0.1:1", home, spec, service)


def test_the_view_server_is_one_of_the_processes(testbed: Bed):
    assert list(testbed.processes()) == ["broker", "worker-1", "views"]


def test_a_verification_that_fails_is_not_equal_and_leaves_a_log(testbed: Bed):
    found = testbed.verify("r", with_open=True)
    assert not found.equal
    assert found.seconds > 0
    assert found.peak_rss > 0
    assert "grid.json" in (testbed.home / "r.verify.log").read_text()
