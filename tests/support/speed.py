"""Limits of time, which ``make explore`` alone checks: the gate passes on a slow machine, too."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import examples


@contextmanager
def cpu_under(limit_s: float) -> Iterator[None]:
    """The block takes less than `limit_s` seconds of processor time; in the gate, any."""
    began_s = time.process_time()
    yield
    took_s = time.process_time() - began_s
    if examples.exploring():
        assert took_s < limit_s, f"took {took_s:.1f} s"
