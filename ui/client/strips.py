"""The highest risk of every window of a run, for the time bar; asked for piece by piece."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from topology.clock import from_iso, to_iso
from ui.client.http import ApiClient

KEPT = 32


@dataclass(frozen=True, slots=True)
class Strip:
    """The windows of a run under a model, oldest first: ends (epoch seconds), risk, alarms raised.

    A later strip of the same run begins with the same windows.
    """

    ends_s: tuple[float, ...] = ()
    risk: tuple[float, ...] = ()
    raised: tuple[int, ...] = ()


class Strips:
    """The strips that were asked for last, with the version that each is of; for many threads."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[int, Strip]] = OrderedDict()

    def get(self, run: str, model: str, version: int) -> Strip:
        """The strip as far as it is known; more of it is asked for once a version.

        Raises
        ------
        GridstressError
            As the client says.
        """
        with self._lock:
            asked, known = self._kept.get((run, model), (-1, Strip()))
        if asked == version:
            return known
        found = self._client.extremes(
            run, model, to_iso(known.ends_s[-1]) if known.ends_s else None
        )
        ends = [from_iso(end) for end in found.window_end]
        new = [i for i, end_s in enumerate(ends) if not known.ends_s or end_s > known.ends_s[-1]]
        strip = Strip(
            (*known.ends_s, *(ends[i] for i in new)),
            (*known.risk, *(found.risk[i] for i in new)),
            (*known.raised, *(found.raised[i] for i in new)),
        )
        with self._lock:
            # Of questions at the same time the one that has learned most counts.
            _, other = self._kept.get((run, model), (-1, known))
            strip = max(strip, other, key=lambda one: len(one.ends_s))
            self._kept[run, model] = version, strip
            self._kept.move_to_end((run, model))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return strip
