"""Sample the memory and processor time of processes while they work."""

import math
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

EVERY_S = 0.1

MACHINE = "machine"
"""Name under which the processor time of everything that runs here is kept."""


@dataclass(frozen=True)
class Sample:
    """Processes at one moment; by name, memory in bytes and processor time since their start."""

    at_s: float
    rss: Mapping[str, int]
    cpu_s: Mapping[str, float]


@dataclass
class Samples:
    """What was seen, oldest first."""

    seen: list[Sample] = field(default_factory=list)

    def peak_rss(self, name: str, until_s: float = math.inf) -> int:
        """Most memory the process was seen to hold up to a moment (epoch seconds), bytes."""
        seen = (sample.rss.get(name, 0) for sample in self.seen if sample.at_s <= until_s)
        return max(seen, default=0)

    def cpu_s(self, name: str, began_s: float, ended_s: float) -> float:
        """Processor time it used between two moments (epoch seconds), by interpolation."""
        known = [sample for sample in self.seen if name in sample.cpu_s]
        if not known:
            return 0.0
        at_s = [sample.at_s for sample in known]
        used_s = [sample.cpu_s[name] for sample in known]
        before, after = np.interp([began_s, ended_s], at_s, used_s)
        return float(after - before)

    def foreign_cpu_s(self, began_s: float, ended_s: float) -> float:
        """Processor time that everything but the watched processes used between two moments."""
        watched = {name for sample in self.seen for name in sample.cpu_s} - {MACHINE}
        ours = sum(self.cpu_s(name, began_s, ended_s) for name in sorted(watched))
        return self.cpu_s(MACHINE, began_s, ended_s) - ours


def look(processes: Mapping[str, psutil.Process], trees: Collection[str] = ()) -> Sample:
    """Look at the processes once; one that has ended is left out.

    Those whose names are in ``trees`` count with all that they have started, in sum.
    """
    rss, cpu_s = {}, {MACHINE: _machine_cpu_s()}
    for name, process in processes.items():
        try:
            rss[name], cpu_s[name] = _tree_usage(process) if name in trees else _usage(process)
        except psutil.NoSuchProcess:
            continue
    return Sample(time.time(), rss, cpu_s)


@contextmanager
def watching(
    processes: Mapping[str, psutil.Process], trees: Collection[str] = ()
) -> Iterator[Samples]:
    """Look again and again for the length of a ``with`` block, in a thread of its own."""
    samples, done = Samples(), threading.Event()

    def watch() -> None:
        while True:
            samples.seen.append(look(processes, trees))
            if done.wait(EVERY_S):
                samples.seen.append(look(processes, trees))
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def busy_share(span_s: float = 1.0) -> float:
    """Share of all processors that is in use now, 0 to 1; takes `span_s` seconds to find out."""
    return float(psutil.cpu_percent(interval=span_s)) / 100


def _usage(process: psutil.Process, *, of_ended: bool = False) -> tuple[int, float]:
    """Memory in bytes and processor time in s; if asked, with the time of ended children."""
    with process.oneshot():
        times = process.cpu_times()
        cpu_s = times.user + times.system
        if of_ended:
            cpu_s += times.children_user + times.children_system
        return process.memory_info().rss, cpu_s


def _tree_usage(process: psutil.Process) -> tuple[int, float]:
    """Memory in bytes and processor time in s, of those that have ended too."""
    rss, cpu_s = _usage(process, of_ended=True)
    for child in process.children(recursive=True):  # one scan of all processes
        with suppress(psutil.NoSuchProcess):
            of_child = _usage(child, of_ended=True)
            rss, cpu_s = rss + of_child[0], cpu_s + of_child[1]
    return rss, cpu_s


def _machine_cpu_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)
