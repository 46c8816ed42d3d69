"""One node: its values, why it is stressed, its recent windows, neighbours and alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.figures.map import waiting_figure
from ui.dashboard.figures.timeline import VERBS
from ui.dashboard.panels.components import graph
from ui.dashboard.shell.links import node_href
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import rated
from ui.dashboard.style.theme import LEVEL_INK, LIGHT, Palette, scale_colour
from ui.schema.grid import GridInfo, GridNode
from ui.schema.views import Alert, NodeDetail, SourceShare

SHOWN_ALERTS = 3
CHOICES = 100
"""Nodes of a zone that a search field lists at once: thousands take a browser seconds."""


def detail_panel(before: Component) -> html.Div:
    """The panel; ``pick`` holds the selected node's id, or None: then ``before`` is shown."""
    return html.Div(
        [
            dmc.Select(
                id="pick",
                data=[],
                placeholder="Search a node…",
                searchable=True,
                limit=CHOICES,
                clearable=True,
                nothingFoundMessage="No node of that name",
                maxDropdownHeight=300,
                size="xs",
                **{"aria-label": "Selected node"},
            ),
            html.Div(
                [
                    "Click a node on the map, a row of the table or a mark on the timeline, "
                    "or search for one here.",
                    before,
                ],
                id="detail-help",
                className="help",
            ),
            html.Div(
                [
                    html.Div(id="detail-title"),
                    html.Div(id="detail-values"),
                    html.H3("Where its stress comes from"),
                    html.Div(id="detail-sources"),
                    html.H3("Risk over the last 7 days (grid time)"),
                    html.Div(graph("detail-windows", waiting_figure("")), className="detail-graph"),
                    html.H3("Neighbours"),
                    html.Div(id="detail-neighbours"),
                    html.H3("Its last alarms"),
                    html.Div(id="detail-alerts"),
                ],
                id="detail",
                className="detail hidden",
            ),
        ],
        className="detail-panel",
    )


def node_options(grid: GridInfo) -> list[dict[str, Any]]:
    """The choices of ``pick``, grouped by zone."""
    zones: dict[str, list[GridNode]] = {}
    for node in grid.nodes:
        zones.setdefault(node.zone, []).append(node)
    return [
        {
            "group": zone,
            "items": [
                {"value": node.id, "label": node.name}
                for node in sorted(nodes, key=lambda n: n.name)
            ],
        }
        for zone, nodes in sorted(zones.items())
    ]


def title(node: GridNode) -> list[Component]:
    """Name, zone, rating, and the way to all that is known of it."""
    return [
        html.Div(
            [
                html.H2(node.name),
                dcc.Link("Open page", href=node_href(node.id), className="node-link"),
            ],
            className="detail-head",
        ),
        html.Div(f"Zone {node.zone} · {rated(node)}", className="muted"),
    ]


def values(detail: NodeDetail, colours: Palette = LIGHT) -> list[Component]:
    """Risk, load, stress and alarm level."""
    level = detail.level
    return [
        html.Div(
            [
                html.Div("Risk, 0 to 1", className="muted"),
                html.Div(formatting.score(detail.risk), className="number"),
                _bar(detail.risk, scale_colour(detail.risk, colours.scale)),
            ]
        ),
        html.Div(
            [
                html.Div("Load", className="muted"),
                html.Div(formatting.load(detail.load_mw), className="number"),
                html.Div(load_part(detail), className="muted"),
            ],
            title=f"In the last hour; {rated(detail.node)}",
        ),
        html.Div(
            [
                html.Div("Stress", className="muted"),
                html.Div([f"{detail.stress:.2f}", html.Small(" h")], className="number"),
            ],
            title="Stress-hours in the window that is filling now: 1 is one hour at full rating, "
            "or what neighbours pass on of it",
        ),
        html.Div(
            [
                html.Div("Alarm", className="muted"),
                html.Div(
                    level or "none",
                    className="number level",
                    style={"color": LEVEL_INK[level]} if level in LEVEL_INK else {},
                ),
            ]
        ),
    ]


def load_part(detail: NodeDetail | None) -> str:
    """Which part of its rating a node's load is, in words; a dash where it is not known."""
    rating_mw = detail.node.rating_mw if detail else None
    if detail is None or detail.load_mw is None or not rating_mw:
        return formatting.DASH
    return f"{formatting.percent(detail.load_mw / rating_mw)} of rating"


NOT_KEPT = "The sources of this moment are not kept."
"""They are read from the archive; without one only those of the last windows are known."""


def sources(
    items: Sequence[SourceShare], names: Mapping[str, str], stress: float = 0.0
) -> list[Component]:
    """The sources of a node's stress (h) as bars, largest first; each selects its node."""
    if not items:
        return [html.Div(NOT_KEPT if stress else "No stress in this window.", className="muted")]
    return [
        html.Div(
            [
                node_button(item.node_id, names, "source"),
                _bar(item.share, "var(--source)"),
                html.Span(f"{item.share:.0%}", className="share"),
            ],
            className="source-row",
        )
        for item in items
    ]


def neighbours(ids: Sequence[str], names: Mapping[str, str]) -> list[Component]:
    """One button a neighbour."""
    return [node_button(node_id, names, "neighbour") for node_id in ids] or [
        html.Span("none", className="muted")
    ]


def alerts(items: Sequence[Alert]) -> list[Component]:
    """The newest alarms, in words."""
    if not items:
        return [html.Div("none in this run", className="muted")]
    return [
        html.Div(
            [
                html.Span(formatting.short_time(alert.timestamp), className="muted"),
                html.Span(
                    f"{alert.level} {VERBS.get(alert.state, alert.state.lower())}",
                    style={"color": LEVEL_INK.get(alert.level, "inherit")},
                ),
                html.Span(f"risk {formatting.score(alert.risk_score)}", className="muted"),
            ],
            className="alert-row",
        )
        for alert in items[:SHOWN_ALERTS]
    ]


def node_button(node_id: str, names: Mapping[str, str], place: str) -> html.Button:
    """A button that selects a node; ``place`` keeps ids apart."""
    return html.Button(
        names.get(node_id, node_id),
        id={"type": "goto", "place": place, "node": node_id},
        className="node-button",
        type="button",
    )


def _bar(part: float, colour: str) -> html.Div:
    width = f"{min(max(part, 0.0), 1.0):.1%}"
    return html.Div(html.Div(style={"width": width, "background": colour}), className="bar")
