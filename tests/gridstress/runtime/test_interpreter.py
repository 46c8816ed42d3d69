"""How a worker sets Python: looked at in a process of its own, for it is set for good."""

import json
import subprocess
import sys
from typing import Any

import pytest

CODE = """
import asyncio, gc, json, logging, sys
from faust import Worker
from gridstress.worker import default_app
from gridstress.runtime.interpreter import silence_client_logs, tune_interpreter
worker = Worker(default_app(), loglevel="WARN")
worker._setup_logging()
before = logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)
silence_client_logs()
loop = asyncio.new_event_loop()
tune_interpreter()
print(json.dumps({
    "loop": type(loop).__mro__[1].__module__,
    "young": gc.get_threshold()[0],
    "frozen": gc.get_freeze_count(),
    "switch_s": sys.getswitchinterval(),
    "debug": [before, logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)],
    "warns": logging.getLogger("aiokafka.conn").isEnabledFor(logging.WARNING),
}), file=sys.__stdout__, flush=True)  # a Faust worker takes stdout for its log
loop.close()
"""


@pytest.fixture(scope="module")
def process() -> dict[str, Any]:
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_the_loops_of_a_worker_are_those_of_uvloop(process: dict[str, Any]) -> None:
    assert process["loop"] == "uvloop"


def test_python_seldom_looks_for_cycles_and_not_among_what_was_there(
    process: dict[str, Any],
) -> None:
    assert process["young"] >= 10_000
    assert process["frozen"] >= 100


def test_threads_take_turns_within_a_millisecond(process: dict[str, Any]) -> None:
    assert process["switch_s"] == pytest.approx(0.001)


def test_no_log_record_is_made_that_is_not_shown(process: dict[str, Any]) -> None:
    assert process["debug"] == [True, False]  # stock Faust, and then
    assert process["warns"]
