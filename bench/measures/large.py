"""One worker on a very large grid: its rate and memory, and the memory of the verifier."""

import os
import subprocess
import sys
from dataclasses import dataclass

import psutil

from bench.harness.process_usage import watching
from bench.harness.test_bed import TestBed
from bench.inputs.frames import Input
from bench.measures.drain import Drain, drain


@dataclass(frozen=True)
class Large:
    """A backlog that was drained, and the verification of its last run.

    Attributes
    ----------
    verify_peak_rss
        Most memory that ``gridstress verify`` held, bytes.
    verify_s
        How long it took, s.
    """

    drained: Drain
    verify_peak_rss: int
    verify_s: float

    @property
    def equal(self) -> bool:
        """Whether the verifier found the run as it should be."""
        return self.drained.equal


def measure_large(testbed: TestBed, source: Input) -> Large:
    """Drain the input as `drain` does, then watch one more verification.

    Raises
    ------
    GridstressError
        If the worker does not start or does not get on.
    """
    drained = drain(testbed, source)
    words = ["verify", "--run", source.runs[-1], "--api", testbed.workers[0].url]
    with (
        subprocess.Popen(
            [sys.executable, "-m", "gridstress", *words],
            env={**os.environ, **testbed.environment},
            cwd=testbed.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as verifier,
        watching({"verify": psutil.Process(verifier.pid)}) as samples,
    ):
        verifier.wait()
    seconds = samples.seen[-1].at_s - samples.seen[0].at_s
    return Large(drained, samples.peak_rss("verify"), seconds)
