"""The outcome of a comparison: counts, the largest difference, and the differences as text."""

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from topology.messages import Floats

TOLERANCE = 1e-9
MOST_WORDS = 1000
RISK_FLOOR = 2.0**-50
"""`1 - exp(-stress)` loses up to 2^-53 to rounding however small the risk is, which is more than
1e-9 of a risk below 1e-7: so much is not a difference. Sums of stress have no such floor."""


def relative(a: Floats, b: Floats, floor: float = 0.0) -> Floats:
    """Compute `|a - b| / max(|a|, |b|)` cell by cell, less ``floor``; 0 where both are 0.

    Infinite where one is NaN.
    """
    apart = np.maximum(np.abs(a - b) - floor, 0.0)
    size = np.maximum(np.abs(a), np.abs(b))
    quotient: Floats = np.divide(apart, size, out=np.zeros_like(apart), where=size > 0)
    quotient[np.isnan(apart)] = inf
    return quotient


def same(a: float, b: float, floor: float = 0.0) -> bool:
    """Whether two numbers agree within the tolerance."""
    return abs(a - b) - floor <= TOLERANCE * max(abs(a), abs(b))


@dataclass
class Outcome:
    """Findings of one model (or of the measurements).

    ``counts`` are for the report, by name; ``problems`` make the verification fail, ``notes`` do
    not. ``largest`` is the largest relative difference seen, ``largest_at`` where. ``waits_s`` is
    the end of the first window of which something is not there and not due yet (epoch seconds).
    """

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    largest: float = 0.0
    largest_at: str = ""
    waits_s: float = inf

    @property
    def ok(self) -> bool:
        """Whether everything agreed."""
        return not self.problems

    def problem(self, count: str, text: str) -> None:
        """Count a problem and say it; of very many only the first are kept in words."""
        self.counts[count] += 1
        if len(self.problems) < MOST_WORDS:
            self.problems.append(text)

    def difference(self, value: float, where: str) -> None:
        """Keep a relative difference if it is the largest so far."""
        if value > self.largest:
            self.largest, self.largest_at = value, where

    def wait(self, end_s: float) -> None:
        """Something about the window that ends then is not there, and not due yet."""
        self.waits_s = min(self.waits_s, end_s)

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "ok": self.ok,
            "counts": dict(sorted(self.counts.items())),
            "largest_relative_difference": self.largest,
            "largest_at": self.largest_at,
            "problems": self.problems,
            "notes": self.notes,
        }
