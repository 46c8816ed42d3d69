import os
import subprocess
import sys

import psutil
import pytest

from bench.harness.process_usage import MACHINE, Sample, Samples, look, watching
from bench.harness.waiting import wait_for


def test_processor_time_between_two_moments_is_interpolated():
    samples = Samples([Sample(10.0, {}, {"w": 1.0}), Sample(12.0, {}, {"w": 3.0})])
    assert samples.cpu_s("w", 10.5, 11.5) == pytest.approx(1.0)
    assert samples.cpu_s("unknown", 10.5, 11.5) == 0.0


def test_what_is_watched_is_not_foreign():
    before = {MACHINE: 0.0, "worker-1": 0.0, "views": 0.0, "broker": 0.0}
    after = {MACHINE: 10.0, "worker-1": 4.0, "views": 3.0, "broker": 2.0}
    samples = Samples([Sample(0.0, {}, before), Sample(10.0, {}, after)])
    assert samples.foreign_cpu_s(0.0, 10.0) == pytest.approx(1.0)


def test_the_peak_is_the_largest_value_seen():
    samples = Samples([Sample(0, {"w": 5}, {}), Sample(1, {"w": 9}, {}), Sample(2, {}, {})])
    assert samples.peak_rss("w") == 9
    assert samples.peak_rss("w", until_s=0.5) == 5


def test_a_process_is_looked_at_before_and_after():
    with watching({"us": psutil.Process(os.getpid())}) as samples:
        pass
    assert len(samples.seen) >= 2
    assert samples.peak_rss("us") > 1_000_000
    assert MACHINE in samples.seen[0].cpu_s


BUSY = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY!r}], check=True)  # it ends, and its time stays
subprocess.Popen([sys.executable, "-c", {BUSY + "input()"!r}], stdin=subprocess.PIPE)
print(flush=True)
input()
"""


def test_a_tree_counts_with_what_has_been_started_and_has_ended():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        processes = {"p": psutil.Process(parent.pid)}
        alone = look(processes)

        def both_were_busy() -> bool:
            return look(processes, trees={"p"}).cpu_s["p"] > alone.cpu_s["p"] + 0.35

        wait_for(both_were_busy, "the processor time of both")
        assert look(processes, trees={"p"}).rss["p"] > 1.3 * alone.rss["p"]
        parent.communicate(b"\n")
