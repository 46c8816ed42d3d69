"""The highest risk of every window of a run, for the time bar; asked for piece by piece."""

from dataclasses import dataclass

from topology.clock import from_iso, to_iso
from ui.client.answer_cache import OnDemand
from ui.client.http import ApiClient

AGAIN = 24
"""So many windows are asked for again: alerts come from other topics, and may come later."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The windows of a run under a model, oldest first: ends (epoch seconds), risk, alarms raised.

    A later strip of the same run begins with the same windows; to the last of them alarms may be
    added.
    """

    ends_s: tuple[float, ...] = ()
    risk: tuple[float, ...] = ()
    raised: tuple[int, ...] = ()


class Strips:
    """The strips that were asked for last, with the version that each is of; for many threads."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._on_demand = OnDemand()

    def known(self, run: str, model: str) -> Strip | None:
        """The strip as far as it is known; sends no request."""
        found: Strip | None = self._on_demand.known((run, model))
        return found

    def get(self, run: str, model: str, version: int) -> Strip | None:
        """The strip; more of it is asked for once a version, by one of those who want it.

        None if it is not to be had.
        """
        return self._on_demand.get((run, model), version, lambda: self._longer(run, model))

    def _longer(self, run: str, model: str) -> Strip:
        known = self.known(run, model) or Strip()
        again = max(0, len(known.ends_s) - 1 - AGAIN)
        after = to_iso(known.ends_s[again]) if known.ends_s else None
        found = self._client.extremes(run, model, after)
        ends = [from_iso(end) for end in found.window_end]
        raised = dict(zip(ends, found.raised, strict=True))
        last_s = max(known.ends_s[-1:], default=float("-inf"))
        new = [i for i, end_s in enumerate(ends) if end_s > last_s]
        tail = zip(known.ends_s[again:], known.raised[again:], strict=True)
        return Strip(
            (*known.ends_s, *(ends[i] for i in new)),
            (*known.risk, *(found.risk[i] for i in new)),
            (
                *known.raised[:again],
                *(max(count, raised.get(end_s, 0)) for end_s, count in tail),
                *(found.raised[i] for i in new),
            ),
        )
