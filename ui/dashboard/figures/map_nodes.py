"""The nodes on the map: their values, the order they are drawn in, and how large they are."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from topology.shards import shard_of
from ui.client.snapshot import standing_still
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading, loads_of
from ui.dashboard.style.theme import LEVEL_LETTERS, LIGHT, Palette, ink_on, scale_colour
from ui.schema.grid import GridInfo
from ui.schema.views import GridState

SMALL_PX, LARGE_PX, LETTER_PX, FONT_PX = 8.0, 26.0, 17.0, 11.0
ROOMY = 57
"""Up to so many nodes everything has its full size."""
LEAST_FONT_PX = 8.0
FOREMOST = 300
"""So many nodes are always drawn, and about as many of the others in sight."""
FAINT = 0.3
"""Opacity of a node without new values."""
NOTHING = "no data at this time"


class Against(NamedTuple):
    """The state that a map shows the difference from; None while it is not there."""

    state: GridState | None


Values = dict[str, list[Any]]
"""What is drawn of nodes, one entry a node in each list: ``id``, ``name``, ``x``, ``y`` (degrees),
``risk`` in [0, 1), or a difference of two in (-1, 1), ``level``, ``size`` in px, ``hover``: the
text below the name, ``opacity``, by which nodes without new values are faint."""


def is_large(grid: GridInfo) -> bool:
    """Whether there are more nodes than are always drawn."""
    return len(grid.nodes) > FOREMOST


def node_values(grid: GridInfo, state: GridState | None, zone: str = "") -> Values:
    """The values of all nodes, aligned to ``grid.nodes``; outside of ``zone`` they are faint.

    Without a state all are.
    """
    still = standing_still(state) if state else {}
    risks = _by_node(state, state.risk if state else [])
    levels = _by_node(state, state.level if state else [])
    stresses = _by_node(state, state.stress if state else [])
    values: Values = {
        "id": [node.id for node in grid.nodes],
        "name": [f"<b>{node.name}</b> · {node.zone}" for node in grid.nodes],
        "x": [node.lon for node in grid.nodes],
        "y": [node.lat for node in grid.nodes],
        "risk": [],
        "level": [],
        "size": [],
        "hover": [],
        "opacity": [],
    }
    scale, loads = size_scale(len(grid.nodes)), loads_of(grid, state)
    for node in grid.nodes:
        risk, level = risks.get(node.id, 0.0), levels.get(node.id, "")
        values["risk"].append(round(risk, 4))
        values["level"].append(level)
        values["size"].append(node_size(risk, scale, alarmed=bool(level)))
        age_s = still.get(shard_of(node.id, grid.settings.partitions)) if still else None
        # Of a large grid, whose loads all change with every row, only where there is risk.
        load = loads.get(node.id) if risk or not is_large(grid) else None
        hover = _hover(risk, stresses.get(node.id, 0.0), level, age_s, load)
        values["hover"].append(hover if state else NOTHING)
        fresh = state is not None and age_s is None
        values["opacity"].append(1 if fresh and zone in ("", node.zone) else FAINT)
    return values


def difference_values(grid: GridInfo, first: GridState | None, second: GridState | None) -> Values:
    """The same of the difference of two states: ``risk`` is the second's less the first's.

    Without both states, no node has a value.
    """
    if first is None or second is None:
        return node_values(grid, None)
    values = node_values(grid, second)
    before = _by_node(first, first.risk)
    scale = size_scale(len(grid.nodes))
    for i, node in enumerate(grid.nodes):
        one, other = before.get(node.id, 0.0), values["risk"][i]
        values["risk"][i] = round(other - one, 4)
        values["size"][i] = node_size(abs(other - one), scale)
        values["hover"][i] = (
            f"risk {formatting.score(one)}, then {formatting.score(other)}"
            f"<br>difference {formatting.change(other - one)}"
        )
    return values | {"level": [""] * len(grid.nodes)}


def foremost(values: Values) -> Values:
    """The values of the nodes that are always drawn, in order of risk, the highest last.

    In a large grid these are nodes in alarm first, then those with the highest risk. Nodes with
    the same risk keep their order.
    """
    risks, levels = values["risk"], values["level"]
    places = sorted(range(len(risks)), key=lambda i: (bool(levels[i]), abs(risks[i])))[-FOREMOST:]
    places.sort(key=lambda i: (abs(risks[i]), i))
    return {name: [column[i] for i in places] for name, column in values.items()}


def letter_values(nodes: Values, colours: Palette = LIGHT) -> Values:
    """The open alarms' letters: ``x``, ``y``, ``letter``, ``ink``, one each a node in alarm."""
    alarmed = [i for i, level in enumerate(nodes["level"]) if level in LEVEL_LETTERS]
    return {
        "x": [nodes["x"][i] for i in alarmed],
        "y": [nodes["y"][i] for i in alarmed],
        "letter": [LEVEL_LETTERS[nodes["level"][i]] for i in alarmed],
        "ink": [ink_on(scale_colour(nodes["risk"][i], colours.scale)) for i in alarmed],
    }


def size_scale(nodes: int) -> float:
    """By how much circles and lines are smaller where many nodes share the map, in (0, 1]."""
    scale: float = (ROOMY / max(nodes, ROOMY)) ** 0.25
    return scale


def font_size(scale: float) -> float:
    """Size of an alarm's letter in px; never too small to be read."""
    return round(max(FONT_PX * scale, LEAST_FONT_PX), 1)


def node_size(risk: float, scale: float = 1.0, *, alarmed: bool = False) -> float:
    """Diameter in px; its area grows with the risk, and an alarm's letter always fits."""
    area = SMALL_PX**2 + (LARGE_PX**2 - SMALL_PX**2) * min(max(risk, 0.0), 1.0)
    size: float = scale * area**0.5
    letter = font_size(scale) * LETTER_PX / FONT_PX
    return round(max(size, letter) if alarmed else size, 1)


def _by_node(state: GridState | None, values: list[Any]) -> Mapping[str, Any]:
    return dict(zip(state.nodes, values, strict=True)) if state else {}


def _hover(
    risk: float, stress: float, level: str, age_s: float | None, load: Loading | None
) -> str:
    alarm = f"{level} alarm open" if level else "no alarm"
    # Sent every second for every node, so empty and repeated parts are left out.
    more = f"<br>stress {stress:.2f} h" if stress else ""
    age = "" if age_s is None else f"<br>stands still for {formatting.age(age_s)}"
    if load is not None:
        more += f"<br>{formatting.load(load.mw)}, {formatting.percent(load.part)} of rating"
    return f"risk {formatting.score(risk)} · {alarm}{more}{age}"
