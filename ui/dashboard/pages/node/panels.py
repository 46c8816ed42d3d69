"""The node page's panels: its facts, its risk by model, its alarms, its neighbours."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from dash import dcc, html
from dash.development.base_component import Component

from topology.models import short_title_of, title_of
from ui.client.snapshot import Snapshot
from ui.dashboard.panels.detail import NOT_KEPT, load_part
from ui.dashboard.panels.episodes import lasted
from ui.dashboard.shell.links import alarms_href, node_href
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import rated
from ui.dashboard.style.theme import LIGHT, Palette, scale_colour
from ui.schema.grid import GridInfo, GridNode
from ui.schema.runs import Episode
from ui.schema.views import NodeDetail

SHOWN_EPISODES = 50
MAX_SUGGESTIONS = 6


def node_title(node: GridNode) -> list[Component]:
    """Name and what is fixed of a node: zone, share, rating, sensitivity, place, id."""
    facts = (
        f"zone {node.zone}" + _assumed(node, "zone"),
        *([f"{node.share:.2%} of its load" + _assumed(node, "share")] if node.share else []),
        rated(node),
        f"sensitivity {node.sensitivity:.2f}",
        f"{abs(node.lat):.2f}° {'N' if node.lat >= 0 else 'S'}, "
        f"{abs(node.lon):.2f}° {'E' if node.lon >= 0 else 'W'}" + _assumed(node, "position"),
        f"id {node.id}",
    )
    return [html.H2(node.name), html.Div(" · ".join(facts), className="muted")]


def _assumed(node: GridNode, field: str) -> str:
    return " (assumed)" if field in node.assumed else ""


def onward(node_id: str) -> list[Component]:
    """Where to go from a node's page."""
    return [
        dcc.Link("All its alarms", href=alarms_href(node_id), className="node-link"),
        dcc.Link("Overview", href="/", className="node-link"),
    ]


def model_values(detail: NodeDetail | None, colours: Palette = LIGHT) -> list[Component]:
    """Risk, load, stress and open alarm under one model."""
    level = detail.level if detail else ""
    risk = html.Div(
        html.Div(
            style={
                "width": f"{min(max(detail.risk, 0.0), 1.0):.1%}",
                "background": scale_colour(detail.risk, colours.scale),
            }
        )
        if detail
        else None,
        className="bar",
    )
    return [
        html.Div(
            [
                html.Div("Risk, 0 to 1", className="muted"),
                html.Div(formatting.score(detail.risk if detail else None), className="number"),
                risk,
            ],
            title="In the window that is filling now; a score, not a probability",
        ),
        html.Div(
            [
                html.Div("Load", className="muted"),
                html.Div(formatting.load(detail.load_mw if detail else None), className="number"),
                html.Div(load_part(detail), className="muted"),
            ],
            title="In the last hour",
        ),
        html.Div(
            [
                html.Div("Stress", className="muted"),
                html.Div(
                    [f"{detail.stress:.2f}", html.Small(" h")] if detail else formatting.DASH,
                    className="number",
                ),
            ],
            title="Stress-hours in the window that is filling now: 1 is one hour at full rating, "
            "or what neighbours pass on of it",
        ),
        html.Div(
            [
                html.Div("Open alarm", className="muted"),
                html.Div(
                    (level or "none") if detail else formatting.DASH,
                    className=f"number level level-text-{level.lower()}"
                    if level
                    else "number level",
                ),
            ]
        ),
    ]


def legend(models: Sequence[str]) -> list[Component]:
    """How the models' lines and bars are drawn."""
    return [
        html.Span([html.I(className=f"model-stroke model-stroke-{place % 3}"), title_of(model)])
        for place, model in enumerate(models)
    ]


def source_links(
    found: NodeDetail, names: Mapping[str, str], model: str, itself: str
) -> list[Component]:
    """The sources of a node's stress as bars, largest first; others link to their node."""
    items = found.sources
    if not items:
        words = NOT_KEPT if found.stress else "No stress in this window."
        return [html.Div(words, className="muted")]
    return [
        html.Div(
            [
                html.Span(
                    "the node itself"
                    if item.node_id == itself
                    else _link(item.node_id, names, model)
                ),
                html.Div(
                    html.Div(style={"width": f"{item.share:.1%}"}), className="bar source-bar"
                ),
                html.Span(f"{item.share:.0%}", className="share"),
            ],
            className="source-row",
        )
        for item in items
    ]


def episode_list(episodes: Sequence[Episode] | None, node_id: str) -> list[Component]:
    """A node's alarm episodes of all models, the one raised last first."""
    if episodes is None:
        return [html.Div("not known yet", className="muted")]
    own = [episode for episode in episodes if episode.node_id == node_id]
    if not own:
        return [html.Div("No alarm in this run so far.", className="muted")]
    return [
        html.Div(
            [
                html.Span(
                    episode.level,
                    className=f"episode-level level-text-{episode.level.lower()}",
                ),
                html.Span("● open" if episode.open else "○ cleared"),
                html.Span(
                    f"{title_of(episode.model)}, peak risk {formatting.score(episode.peak_risk)}",
                    className="muted episode-model",
                ),
                html.Span(
                    f"since {formatting.short_time(episode.raised_at)}"
                    if episode.open
                    else f"{formatting.short_time(episode.raised_at)}, "
                    f"for {lasted(episode.duration_s)}",
                    className="episode-time",
                ),
            ],
            className="episode-row",
        )
        for episode in own[:SHOWN_EPISODES]
    ]


def neighbour_list(grid: GridInfo, snapshot: Snapshot, node_id: str) -> list[Component]:
    """The nodes one line away: the line, and their risk under each model."""
    names = {node.id: node.name for node in grid.nodes}
    near: dict[str, list[str]] = {}
    for line in grid.lines:
        ends = (line.source, line.target)
        if node_id in ends and line.source != line.target:
            other = ends[ends[0] == node_id]
            near.setdefault(other, []).append(f"{line.voltage_kv:.0f} kV, {line.length_km:.0f} km")
    if not near:
        return [html.Div("It has no line to another node.", className="muted")]
    head = html.Div(
        [
            html.Span("node, line"),
            *(html.Span(short_title_of(m).lower()) for m in grid.models),
        ],
        className="neighbour-row muted",
    )
    risks = {model: _risks(snapshot, model) for model in grid.models}
    rows = [
        html.Div(
            [
                _link(other, names),
                *(html.Span(formatting.score(risks[model].get(other))) for model in grid.models),
                html.Span("; ".join(lines), className="muted neighbour-line"),
            ],
            className="neighbour-row",
        )
        for other, lines in sorted(near.items(), key=lambda item: names.get(item[0], item[0]))
    ]
    return [head, *rows]


def unknown_node(grid: GridInfo | None, node_id: str | None) -> list[Component]:
    """What a page without a node says: that it is not known, and how to find one."""
    if grid is None:
        return [html.H2("Waiting for a worker"), html.P("The grid's nodes are not known yet.")]
    title = "Which node?" if node_id is None else f"There is no node “{node_id}” in this grid"
    found: list[Component] = [html.H2(title)]
    if close := similar(grid, node_id or ""):
        names = {node.id: node.name for node in grid.nodes}
        found.append(
            html.P(["Did you mean ", *_listed([_link(node_id, names) for node_id in close]), "?"])
        )
    ways: tuple[list[Component | str], ...] = (
        ["Type part of its name into the field above."],
        ["Click it on the map of the ", dcc.Link("overview", href="/"), ", then “open page”."],
        ["Choose one of those with an alarm on the ", dcc.Link("alarms", href="/alarms"), " page."],
    )
    nodes = formatting.plural(len(grid.nodes), "node")
    return [
        *found,
        html.P(f"The grid {grid.name} has {nodes}. To find one:"),
        html.Ul([html.Li([*way]) for way in ways]),
    ]


def similar(grid: GridInfo, text: str) -> list[str]:
    """Ids of the nodes whose id or name is written much like a text."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    by_name = {node.name.lower(): node.id for node in grid.nodes}
    by_name |= {node.id.lower(): node.id for node in grid.nodes}
    inside = sorted(name for name in by_name if wanted in name)
    close = inside + get_close_matches(wanted, sorted(by_name), MAX_SUGGESTIONS, 0.65)
    return list(dict.fromkeys(by_name[name] for name in close))[:MAX_SUGGESTIONS]


def _listed(links: Sequence[Component]) -> list[Component | str]:
    parts: list[Component | str] = []
    for link in links:
        parts += [", ", link] if parts else [link]
    return parts


def _risks(snapshot: Snapshot, model: str) -> dict[str, float]:
    view = snapshot.view(model)
    return dict(zip(view.state.nodes, view.state.risk, strict=False)) if view else {}


def _link(node_id: str, names: Mapping[str, str], model: str | None = None) -> Component:
    return dcc.Link(
        names.get(node_id, node_id), href=node_href(node_id, model), className="node-link"
    )
