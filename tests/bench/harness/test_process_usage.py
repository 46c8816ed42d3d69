import os

import psutil
import pytest

from bench.harness.process_usage import MACHINE, Sample, Samples, watching


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


def test_a_process_is_looked_at_before_and_after():
    with watching({"us": psutil.Process(os.getpid())}) as samples:
        pass
    assert len(samples.seen) >= 2
    assert samples.peak_rss("us") > 1_000_000
    assert MACHINE in samples.seen[0].cpu_s
