"""The figures at the top: alarms, affected nodes, average and highest risk, grid time, age."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import html

from topology.messages import LEVELS
from ui.client.snapshot import Snapshot
from ui.client.trends import FIGURES
from ui.dashboard.panels.components import Kpi
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading, loads_of
from ui.schema.views import AFFECTED_RISK, GridState

KPIS = {
    "alarms": ("Active alarms", "nodes in alarm"),
    "affected": ("Affected nodes", "stressed"),
    "average": ("Average risk", "0 to 1"),
    "highest": ("Highest risk", "0 to 1"),
    "time": ("Grid time", "UTC, time in the data"),
}
"""Title and meaning by id."""

LABEL: dict[str, Any] = {"aria-label": "Key figures"}
SPARK_WIDTH, SPARK_HEIGHT = 100, 26


def kpi_cards() -> html.Section:
    """The empty cards; ``kpi-<id>``, ``-detail`` and ``-trend`` take values.

    The last card, ``kpi-age``, is counted by the browser from the shell's ``fresh``.
    """
    return html.Section(
        [
            *(_card(name, *KPIS[name], trend=name in FIGURES) for name in KPIS),
            _card("age", "Freshness", "of values"),
        ],
        className="kpis",
        **LABEL,
    )


def kpi_values(snapshot: Snapshot, model: str | None) -> dict[str, Kpi]:
    """The cards' texts and trends by id."""
    view = snapshot.view(model)
    if view is None or view.state.run is None or snapshot.grid is None:
        return {name: Kpi(formatting.DASH, "no data yet") for name in KPIS}
    state, kpis = view.state, view.state.kpis
    counts = [f"{kpis.active_alarms.get(lv, 0)} {lv.lower()}" for lv in reversed(LEVELS)]
    total = kpis.active_alarms.get("total", 0)
    warning = snapshot.grid.settings.levels.get("WARNING", 0.5)
    names = {node.id: node.name for node in snapshot.grid.nodes}
    highest = kpis.highest_risk
    stressed = highest is not None and highest.risk > 0
    trends = {name: snapshot.trends.series(model, name) for name in FIGURES}
    return {
        "alarms": Kpi(
            f"{total}",
            " · ".join(counts) if total else f"none: they start at risk {warning:.2f}",
            trends["alarms"],
        ),
        "affected": Kpi(
            f"{kpis.affected_nodes}",
            f"of {formatting.plural(len(state.nodes), 'node')}: risk ≥ {AFFECTED_RISK:.2f}",
            trends["affected"],
        ),
        "average": Kpi(formatting.score(kpis.average_risk), "over all nodes", trends["average"]),
        "highest": Kpi(
            formatting.score(highest.risk if highest else None),
            _whose(highest.node_id, names, loads_of(snapshot.grid, state))
            if highest and stressed
            else "no node is stressed",
            trends["highest"],
        ),
        "time": Kpi(
            formatting.grid_time(state.event_time),
            _pace(snapshot, state),
        ),
    }


def _whose(node_id: str, names: Mapping[str, str], loads: Mapping[str, Loading]) -> str:
    """A node with its load, as far as it is known."""
    name, load = names.get(node_id, node_id), loads.get(node_id)
    if load is None:
        return name
    return f"{name}, {formatting.load(load.mw)}, {formatting.percent(load.part)} of rating"


def _pace(snapshot: Snapshot, state: GridState) -> str:
    if snapshot.at:
        return "the moment shown"
    return "run ended" if state.ended else formatting.speed(state.speed) or "standing still"


def trend_style(values: Sequence[float]) -> dict[str, Any]:
    """The trend as a mask over the card's own colour, so that light and dark need no two lines.

    Scaled from the lowest to the highest value; a flat line lies at the bottom when it is 0 and
    in the middle otherwise. Fewer than two values draw nothing.
    """
    if len(values) < 2:
        return {"visibility": "hidden"}
    low, high = min(values), max(values)
    flat = high - low < 1e-9
    step = SPARK_WIDTH / (len(values) - 1)
    room = SPARK_HEIGHT - 4
    places = [
        (0.5 if values[0] else 0.0) if flat else (value - low) / (high - low) for value in values
    ]
    line = " ".join(
        f"{place * step:.0f},{SPARK_HEIGHT - 2 - part * room:.0f}"
        for place, part in enumerate(places)
    )
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {SPARK_WIDTH} {SPARK_HEIGHT}' "
        "preserveAspectRatio='none'><polyline fill='none' stroke='black' stroke-width='1.6' "
        f"vector-effect='non-scaling-stroke' points='{line}'/></svg>"
    )
    return {"maskImage": f'url("data:image/svg+xml,{quote(drawing, safe=SAFE)}")'}


SAFE = " ,/:='"


def _card(name: str, title: str, meaning: str, *, trend: bool = False) -> html.Div:
    spark = html.Div(
        id=f"kpi-{name}-trend",
        className="spark",
        style=trend_style(()),
        title="The last 10 minutes, from the lowest to the highest value",
    )
    return html.Div(
        [
            html.Div([title, html.Span(meaning, className="meaning")], className="kpi-title"),
            html.Div(
                [
                    html.Div(formatting.DASH, id=f"kpi-{name}", className="kpi-value"),
                    *([spark] if trend else []),
                ],
                className="kpi-row",
            ),
            html.Div("", id=f"kpi-{name}-detail", className="kpi-detail"),
        ],
        className=f"card kpi kpi-card-{name}",
    )
