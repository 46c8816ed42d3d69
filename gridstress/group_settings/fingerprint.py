"""Fingerprints of everything that decides a run's results: settings, models, nodes and lines."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from gridstress.settings import Settings
from topology.grid import Grid, Line

RESULT_SETTINGS = (
    "step_s",
    "size_s",
    "lateness_s",
    "max_ahead_s",
    "stress_threshold",
    "max_hops",
    "decay",
    "alpha",
    "centrality",
    "level_warning",
    "level_high",
    "level_critical",
    "level_clear",
)
"""Settings that decide results, beside the models.

Not among them: the number of partitions, which only divides the work, and the idle time-out, whose
effect depends on the wall clock.
"""

SHORT = 16
"""Hexadecimal digits of a component that is a hash."""


def result_settings(settings: Settings, grid: Grid) -> dict[str, str]:
    """Give everything that decides results, by component.

    Returns
    -------
    dict
        ``models``, sorted; the settings of ``RESULT_SETTINGS``, each as its plain value; and the
        `grid_components`.
    """
    plain = {name: str(getattr(settings, name)) for name in RESULT_SETTINGS}
    return {"models": ",".join(sorted(settings.model_names))} | plain | grid_components(grid)


def grid_components(grid: Grid) -> dict[str, str]:
    """Give what decides results in a grid, by component, as the first digits of a SHA-256.

    ``node_ids``; ``node_values``, which are each node's zone, rating and sensitivity; ``lines``.
    What the grid is called and where its nodes lie on the map is left out.
    """
    values = [[n.id, n.zone, float(n.rating_mw), float(n.sensitivity)] for n in grid.nodes]
    # A line has no direction, and several may lie between the same nodes.
    lines = sorted(msgspec.json.encode(_line(line)) for line in grid.lines)
    return {
        "node_ids": _sha256(grid.ids)[:SHORT],
        "node_values": _sha256(values)[:SHORT],
        "lines": _sha256([line.decode() for line in lines])[:SHORT],
    }


def _line(line: Line) -> list[Any]:
    ends = sorted((line.source, line.target))
    reactance = None if line.reactance_ohm is None else float(line.reactance_ohm)
    numbers = map(float, (line.coupling, line.length_km, line.voltage_kv))
    return [*ends, *numbers, reactance, *(["dc"] if line.dc else [])]


def digest(components: Mapping[str, str]) -> str:
    """SHA-256 of components, in hexadecimal, whatever their order."""
    return _sha256(sorted(components.items()))


def fingerprint(settings: Settings, grid: Grid) -> str:
    """SHA-256 of everything that decides results, in hexadecimal."""
    return digest(result_settings(settings, grid))


def grid_fingerprint(grid: Grid) -> str:
    """SHA-256 of what of a grid decides results, in hexadecimal."""
    return digest(grid_components(grid))


def _sha256(value: Any) -> str:
    """SHA-256 of a value as compact JSON, which is the same on every machine."""
    return sha256(msgspec.json.encode(value)).hexdigest()
