"""Pressure and soak: one worker on Apache Kafka, watched for minutes.

python -m tests.endurance pressure --years 12   # far more than it can take, as fast as possible
python -m tests.endurance soak --minutes 30     # half of what it can take
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.harness.brokers import apache_broker
from tests.endurance.sampling import Sample, sampling
from tests.integration.harness import Stack, Worker, wait_for

YEAR_S = 365 * 86_400


def main() -> int:
    """Run one of the two and print what was seen; 1 if a claim did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("test", choices=["pressure", "soak"])
    parser.add_argument("--years", type=int, default=12, help="pressure: years sent at once")
    parser.add_argument("--minutes", type=float, default=30.0, help="soak: how long")
    parser.add_argument("--warm-up", type=float, default=5.0, help="soak: minutes not judged")
    parser.add_argument("--output", type=Path, help="write every sample here, as JSON lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with (
            apache_broker(directory=home / "kafka") as broker,
            Stack(broker.bootstrap, home, hasty=False) as s,
        ):
            s.add_worker()
            if options.test == "pressure":
                claims, samples = pressure(s, home, options.years)
            else:
                claims, samples = soak(s, home, options.minutes * 60, options.warm_up * 60)
    if options.output:
        options.output.write_text("".join(json.dumps(asdict(s)) + "\n" for s in samples))
    for claim, held in claims.items():
        sys.stdout.write(f"{'holds' if held else 'FAILS'}: {claim}\n")
    return 0 if all(claims.values()) else 1


def pressure(stack: Stack, home: Path, years: int) -> tuple[dict[str, bool], list[Sample]]:
    """Send years at once, wait until they are worked off, verify them."""
    worker, runs = stack.workers[0], [f"synthetic-{i}" for i in range(years)]
    with sampling(worker, home / "worker-1", every_s=1.0) as samples:
        began = time.monotonic()
        for run in runs:
            done = stack.command("replay", "--run", run, "--speed", "max", timeout_s=600)
            assert done.returncode == 0, done.stderr
        sent_s = time.monotonic() - began
        wait_for(lambda: _caught_up(samples), "the worker has caught up", 3600)
        worked_s = time.monotonic() - began
    wrong = [run for run in runs if not _equal(stack, run)]
    rss = [sample.rss_mb for sample in samples]
    _tell(
        "pressure",
        {
            "years": years,
            "sent in, s": sent_s,
            "worked off in, s": worked_s,
            "sent faster by": worked_s / sent_s,
            "largest lag, records": max(sample.lag for sample in samples),
            "RSS at rest, MB": rss[0],
            "RSS at most, MB": max(rss),
            "store at most, MB": max(sample.store_mb for sample in samples),
        },
    )
    return {
        f"every run equals what is recomputed (wrong: {wrong or 'none'})": not wrong,
        f"RSS stays below 600 MB (was {max(rss):.0f})": max(rss) < 600,
    }, samples


def soak(
    stack: Stack, home: Path, length_s: float, warm_up_s: float
) -> tuple[dict[str, bool], list[Sample]]:
    """Replay years at half of the speed that the worker has just shown it can hold."""
    worker = stack.workers[0]
    began = time.monotonic()
    assert stack.command("replay", "--run", "trial", "--speed", "max").returncode == 0
    wait_for(lambda: _ended(worker, "trial"), "the trial is worked off", 600)
    year_s = time.monotonic() - began
    speed = YEAR_S / year_s / 2
    with sampling(worker, home / "worker-1", every_s=5.0) as samples:
        stack.start("replay", "--loop", "--speed", f"{speed:.0f}")
        wait_for(lambda: samples and samples[-1].at_s >= length_s, "the end", length_s + 60)
    judged = [sample for sample in samples if sample.at_s >= warm_up_s]
    tenth = max(1, len(judged) // 10)
    first, last = judged[:tenth], judged[-tenth:]
    rss = _mean(first, "rss_mb"), _mean(last, "rss_mb")
    fds = _mean(first, "descriptors"), _mean(last, "descriptors")
    store = _mean(first, "store_mb"), max(sample.store_mb for sample in judged)
    _tell(
        "soak",
        {
            "minutes": length_s / 60,
            "a year at full speed, s": year_s,
            "event seconds a second": speed,
            "RSS, first and last tenth, MB": rss,
            "descriptors, first and last tenth": fds,
            "store, first tenth and at most, MB": store,
            "lag at most, records": max(sample.lag for sample in judged),
        },
    )
    return {
        f"RSS is flat within 5 % after {warm_up_s / 60:.0f} min": abs(rss[1] / rss[0] - 1) < 0.05,
        "file descriptors are flat within 5 %": abs(fds[1] / fds[0] - 1) < 0.05,
        "the store does not grow beyond twice its first size": store[1] < 2 * store[0],
    }, samples


def _caught_up(samples: Sequence[Sample], looks: int = 5) -> bool:
    return len(samples) >= looks and all(sample.lag == 0 for sample in samples[-looks:])


def _ended(worker: Worker, run: str) -> bool:
    """Whether every shard has seen the run's end; a lag of 0 may be that of before it came."""
    reported = {one["run"]: one for one in worker.get("runs")["runs"]}
    return run in reported and reported[run]["ended"]


def _equal(stack: Stack, run: str) -> bool:
    # The worker keeps the newest runs only, and has worked all of them off.
    done = stack.command("verify", "--run", run, "--no-open", "--wait", "0", timeout_s=600)
    return done.returncode == 0


def _mean(samples: Sequence[Sample], name: str) -> float:
    return statistics.mean(getattr(sample, name) for sample in samples)


def _tell(test: str, figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"test": test, **figures}, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
