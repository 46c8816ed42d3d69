"""Stall detection as a pure function of observations."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Seen(NamedTuple):
    """A worker or view server at one moment.

    Attributes
    ----------
    ready
        Whether its tables are up to date and no rebalance is on; of a view server, whether it has
        caught up.
    recovered
        Anything that changes while tables, or what it shows, are read.
    waiting
        By stage, the records of its partitions that it has not finished; a view server has one
        stage, the views.
    done
        By stage, anything that changes when it finishes a record.
    awaited
        What is not ready if it is not ``ready``, in words.
    """

    ready: bool
    recovered: Hashable
    waiting: Mapping[str, int]
    done: Mapping[str, Hashable]
    awaited: str = "tables and partitions"


@dataclass
class Watch:
    """Follows a worker and says when it has stood still for too long.

    A stage that has nothing to do does not stand still, and neither does one that finishes a
    record now and then, however far behind it is.

    Parameters
    ----------
    timeout_s
        Longest time without progress, s.
    """

    timeout_s: float
    _marks: dict[str, tuple[Hashable, float]] = field(default_factory=dict)

    def see(self, seen: Seen, passed_s: float) -> str | None:
        """Look at the worker; the reason if it is stalled.

        Parameters
        ----------
        seen
            The worker now.
        passed_s
            Time since the last look, s, that the worker had for working: not the time for which
            the process was suspended.
        """
        marks: dict[str, Hashable]
        if seen.ready:
            marks = {name: seen.done.get(name) for name, n in seen.waiting.items() if n > 0}
        else:
            marks = {"": seen.recovered}
        self._marks = {
            name: (mark, self._since(name, mark, passed_s)) for name, mark in marks.items()
        }
        for name, (_, still_s) in self._marks.items():
            if still_s > self.timeout_s:
                if not name:
                    return f"{seen.awaited} not ready for {still_s:.0f} s"
                return (
                    f"{name}: {seen.waiting[name]} records wait, none finished for {still_s:.0f} s"
                )
        return None

    def _since(self, name: str, mark: Hashable, passed_s: float) -> float:
        before = self._marks.get(name)
        return before[1] + passed_s if before and before[0] == mark else 0.0
