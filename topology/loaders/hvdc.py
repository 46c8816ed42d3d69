"""HVDC links between DC buses, as lines between the AC buses behind the converters."""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from topology.loaders.raw import RawLine


@dataclass(frozen=True, slots=True)
class DcLink:
    """A link between two DC buses; ``mw`` is its rating."""

    ends: tuple[str, str]
    km: float
    kv: float | None
    mw: float | None


def hvdc_lines(links: Sequence[DcLink], converters: Mapping[str, str]) -> list[RawLine | None]:
    """A line for each link between two AC buses, None for a link without a converter in reach.

    A DC bus without a converter is a switching station: it counts as the DC bus with a converter
    that is nearest along the links, and a link between the two has no line of its own.

    Parameters
    ----------
    converters
        The AC bus behind each DC bus that has a converter.
    """
    nearest = _nearest_converters(links, converters)
    lines: list[RawLine | None] = []
    for link in links:
        if not all(end in nearest for end in link.ends):
            lines.append(None)
            continue
        (km, source), (more_km, target) = (nearest[end] for end in link.ends)
        if source != target:
            length = km + link.km + more_km
            line = RawLine(source, target, length or None, link.kv, limit_mw=link.mw or None)
            line.dc = True
            lines.append(line)
    return lines


def _nearest_converters(
    links: Sequence[DcLink], converters: Mapping[str, str]
) -> dict[str, tuple[float, str]]:
    """Distance in km and AC bus of the converter nearest to each DC bus (Dijkstra)."""
    beside: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for link in links:
        for one, other in (link.ends, link.ends[::-1]):
            beside[one].append((link.km, other))
    waiting = sorted((0.0, ac, dc) for dc, ac in converters.items())
    nearest: dict[str, tuple[float, str]] = {}
    while waiting:
        km, ac, dc = heapq.heappop(waiting)
        if dc not in nearest:
            nearest[dc] = (km, ac)
            for more_km, other in beside[dc]:
                heapq.heappush(waiting, (km + more_km, ac, other))
    return nearest
