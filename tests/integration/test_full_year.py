"""A whole year on one worker and on two, on the embedded broker and on Apache Kafka.

Takes minutes and a file that is not in the repository, so it runs when asked:
``pytest tests/integration/test_full_year.py --load-file opsd.csv``.
"""

import time
from pathlib import Path

import pytest

from bench.harness.brokers import apache_broker, embedded_broker
from tests.integration.harness import Stack

pytestmark = [pytest.mark.integration, pytest.mark.kafka, pytest.mark.timeout(1800)]

BROKERS = {"embedded": embedded_broker, "apache": apache_broker}


def test_four_runs_are_verified_and_tell_the_same_story(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = request.config.getoption("--load-file")
    if file is None:
        pytest.skip("give a load file with --load-file")
    stories = {}
    for kind, broker in BROKERS.items():
        home = tmp_path / kind
        home.mkdir()
        with (
            broker(directory=home) as running,
            Stack(running.bootstrap, home, hasty=False) as stack,
        ):
            for workers in (1, 2):
                stack.add_worker()
                run = f"{kind}-{workers}"
                words = ("replay", str(Path(file).resolve()), "--run", run, "--speed", "max")
                began = time.monotonic()
                done = stack.command(*words)
                assert done.returncode == 0, done.stderr
                verdict = stack.verify(run)
                assert verdict["ok"]
                stories[run] = stack.episodes(run)
                print(run, f"{time.monotonic() - began:.1f} s", verdict["outcomes"])  # noqa: T201
    assert len(set(stories.values())) == 1, {run: hash(s) for run, s in stories.items()}
