"""Window arithmetic over event time, in whole epoch seconds.

Panes tumble: ``[k * step, (k + 1) * step)``. Windows hop by a step and are ``size / step`` panes
long, so a window is the sum of its panes and a row is added once, however many windows hold it
(stream slicing: Carbone et al., Cutty, CIKM 2016).
"""

from dataclasses import dataclass
from math import floor, inf


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """``step_s`` >= 1; ``size_s`` a multiple of it; ``lateness_s``, ``max_ahead_s`` >= 0.

    ``max_ahead_s`` is how far one row may move its zone's clock, and the longest stretch without
    a row of any zone that has windows; 0 for any distance.
    """

    step_s: int = 3600
    size_s: int = 21_600
    lateness_s: int = 3600
    max_ahead_s: int = 0

    @property
    def max_gap_s(self) -> float:
        """Longest stretch without a row that still has windows; a shorter window's is no gap."""
        return max(self.max_ahead_s, self.size_s) if self.max_ahead_s else inf

    def pane_of(self, time_s: float) -> int:
        """Start of the pane that holds this time."""
        return floor(time_s / self.step_s) * self.step_s

    def panes_in(self, end_s: int) -> range:
        """Starts of the panes of the window that ends here, oldest first."""
        return range(end_s - self.size_s, end_s, self.step_s)

    def oldest_needed(self, closed_until_s: int) -> int:
        """Start of the oldest pane that a window after ``closed_until_s`` still holds."""
        return closed_until_s + self.step_s - self.size_s
