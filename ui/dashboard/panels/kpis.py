"""The figures at the top: active alarms, affected nodes, average risk, grid time."""

from dataclasses import dataclass

from dash import html

from ui.dashboard import words
from ui.dashboard.theme import AFFECTED_RISK, LEVELS
from ui.poller import Snapshot

KPIS = {
    "alarms": ("Active alarms", "nodes in alarm"),
    "affected": ("Affected nodes", f"risk ≥ {AFFECTED_RISK:.2f}"),
    "average": ("Average risk", "all nodes, score 0 to 1"),
    "time": ("Grid time", "UTC, time in the data"),
}
"""Title and meaning by id."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """What one card shows."""

    value: str
    detail: str


def kpi_cards() -> html.Section:
    """The empty cards; ``kpi-<id>`` and ``kpi-<id>-detail`` take the texts."""
    return html.Section([_card(name) for name in KPIS], className="kpis")


def kpi_values(snapshot: Snapshot, model: str | None) -> dict[str, Kpi]:
    """The cards' texts by id."""
    view = snapshot.view(model)
    if view is None or view.state.run is None or snapshot.grid is None:
        return {name: Kpi(words.DASH, "no data yet") for name in KPIS}
    state, kpis = view.state, view.state.kpis
    counts = [f"{kpis.active_alarms.get(lv, 0)} {lv.lower()}" for lv in reversed(LEVELS)]
    total = kpis.active_alarms.get("total", 0)
    warning = snapshot.grid.settings.levels.get("WARNING", 0.5)
    names = {node.id: node.name for node in snapshot.grid.nodes}
    highest = kpis.highest_risk
    return {
        "alarms": Kpi(
            f"{total}",
            " · ".join(counts) if total else f"none: alarms start at risk {warning:.2f}",
        ),
        "affected": Kpi(f"{kpis.affected_nodes}", f"of {words.plural(len(state.nodes), 'node')}"),
        "average": Kpi(
            words.score(kpis.average_risk),
            f"highest: {names.get(highest.node_id, highest.node_id)} {words.score(highest.risk)}"
            if highest and highest.risk > 0
            else "no node is stressed",
        ),
        "time": Kpi(
            words.grid_time(state.event_time),
            "run ended" if state.ended else words.speed(state.speed) or "standing still",
        ),
    }


def _card(name: str) -> html.Div:
    title, meaning = KPIS[name]
    return html.Div(
        [
            html.Div([title, html.Span(meaning, className="meaning")], className="kpi-title"),
            html.Div(words.DASH, id=f"kpi-{name}", className="kpi-value"),
            html.Div("", id=f"kpi-{name}-detail", className="kpi-detail"),
        ],
        className="card kpi",
    )
