"""The highest risk of every window of a run, for the time bar; asked for piece by piece."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from topology.clock import from_iso, to_iso
from ui.client.http import ApiClient

KEPT = 32


@dataclass
class Strip:
    """The windows of a run under a model, oldest first: ends (epoch seconds), risk, alarms raised.

    It only ever grows at its end; ``asked`` is the version of the snapshot that it was asked for.
    """

    ends_s: list[float] = field(default_factory=list)
    risk: list[float] = field(default_factory=list)
    raised: list[int] = field(default_factory=list)
    asked: int = -1
    lock: Lock = field(default_factory=Lock)


class Strips:
    """The strips that were asked for last; many threads may ask."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], Strip] = OrderedDict()

    def get(self, run: str, model: str, version: int) -> Strip:
        """The strip as far as it is known; more of it is asked for once a version.

        Raises
        ------
        GridstressError
            As the client says.
        """
        with self._lock:
            strip = self._kept.setdefault((run, model), Strip())
            self._kept.move_to_end((run, model))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        with strip.lock:
            if strip.asked != version:
                after = to_iso(strip.ends_s[-1]) if strip.ends_s else None
                found = self._client.extremes(run, model, after)
                strip.ends_s += [from_iso(end) for end in found.window_end]
                strip.risk += found.risk
                strip.raised += found.raised
                strip.asked = version
        return strip
