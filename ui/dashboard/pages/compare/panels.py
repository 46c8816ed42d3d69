"""The compare page's panels: cards, the selected node, alarms of one model alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html
from dash.development.base_component import Component

from topology.models import short_title_of, title_of
from ui.dashboard.panels.components import LEAVE, Kpi
from ui.dashboard.shell.links import node_href
from ui.dashboard.shell.list_address import ORDER
from ui.dashboard.style import formatting
from ui.schema.runs import Episode, History, Lead
from ui.schema.views import Compare

CARDS = {
    "average": ("Average risk", "all nodes, now"),
    "alarms": ("Open alarms", "nodes, now"),
    "overlap": ("Same top 10", "Jaccard, 0 to 1"),
    "order": ("Same order", "Kendall's tau, now"),
    "lead": ("Lead time", "median over the run so far"),
}
"""Title and meaning by id."""

COLUMNS: list[dict[str, Any]] = [
    {
        "field": "node",
        "headerName": "Node",
        "flex": 1,
        "minWidth": 116,
        "cellRenderer": "GridstressNodeLink",
    },
    {"field": "only", "headerName": "Only by", "width": 84},
    {"field": "level", "headerName": "Level", "width": 82},
    {"field": "raised", "headerName": "Raised (UTC)", "width": 132},
    {"field": "hours", "headerName": "Hours", "width": 60, "type": "rightAligned"},
    {"field": "state", "headerName": "State", "width": 68},
    {"field": "peak", "headerName": "Peak", "width": 58, "type": "rightAligned"},
]


def compare_cards() -> html.Section:
    """The empty cards; ``compare-<id>`` and ``compare-<id>-detail`` take the texts."""
    return html.Section(
        [
            html.Div(
                [
                    html.Div(
                        [title, html.Span(meaning, className="meaning")], className="kpi-title"
                    ),
                    html.Div(formatting.DASH, id=f"compare-{name}", className="kpi-value"),
                    html.Div("", id=f"compare-{name}-detail", className="kpi-detail"),
                ],
                className="card kpi",
            )
            for name, (title, meaning) in CARDS.items()
        ],
        className="kpis compare-kpis",
    )


def card_values(
    compare: Compare | None, history: History | None, models: Sequence[str]
) -> dict[str, Kpi]:
    """The cards' texts by id; the first model's figure stands first, as the detail says."""
    cards = {name: Kpi(formatting.DASH, "no data yet") for name in CARDS}
    if compare and compare.run:
        sides = [compare.models[model] for model in models]
        order = " · ".join(short_title_of(model) for model in models)
        overlap, tau = compare.top_k_overlap, compare.rank_correlation
        cards |= {
            "average": Kpi(
                " · ".join(formatting.score(side.average_risk) for side in sides), order
            ),
            "alarms": Kpi(" · ".join(str(side.active_alarms) for side in sides), order),
            "overlap": Kpi(_measure(overlap), overlap_words(compare, models)),
            "order": Kpi(_measure(tau), order_words(tau)),
        }
    if history:
        cards["lead"] = Kpi(*lead_words(history.lead, models))
    return cards


def alone_words(models: Sequence[str]) -> str:
    """Why there is nothing to compare; empty where there is."""
    if len(models) > 1:
        return ""
    return (
        f"There is nothing to compare: {title_of(models[0])} is the only model that is enabled. "
        "GRIDSTRESS_MODELS enables more, for workers and for runs that begin from then on."
    )


def overlap_words(compare: Compare, models: Sequence[str], k: int = 10) -> str:
    """How many of the ``k`` nodes with the highest risk the models share."""
    if compare.top_k_overlap is None:
        return "no node is stressed"
    tops = []
    for model in models:
        risks = dict(zip(compare.nodes, compare.models[model].risk, strict=True))
        ranked = sorted((n for n in risks if risks[n] > 0), key=lambda n: (-risks[n], n))
        tops.append(set(ranked[:k]))
    most = max(len(top) for top in tops)
    return f"{len(tops[0] & tops[1])} of {formatting.plural(most, 'node')} in both"


def order_words(tau: float | None) -> str:
    """What a rank correlation means."""
    if tau is None:
        return "no node is stressed"
    for least, text in ((0.9, "nearly the same order"), (0.6, "much the same order"),
                        (0.3, "partly the same order"), (-0.3, "hardly related")):  # fmt: skip
        if tau >= least:
            return text
    return "the opposite order"


def lead_words(lead: Lead, models: Sequence[str]) -> tuple[str, str]:
    """Who raises first and by how much, and what that is counted from."""
    earlier = [lead.earlier.get(model, 0) for model in models]
    pairs = sum(earlier) + lead.same
    if lead.median_s is None or not pairs:
        return formatting.DASH, "no alarm raised by both yet"
    titles = [short_title_of(model) for model in models]
    counts = ", ".join(
        f"{title} {count}×" for title, count in zip(titles, earlier, strict=True)
    )  # fmt: skip
    detail = f"first: {counts}, neither {lead.same}×"
    if lead.median_s == 0:
        return "none", detail
    first = titles[lead.median_s < 0]
    return f"{first} {formatting.span(abs(lead.median_s))} earlier", detail


def picked_line(compare: Compare | None, models: Sequence[str], name: str, node: str | None) -> Any:
    """What both models say of the picked node, and the way to its page."""
    if compare is None or node is None or node not in compare.nodes:
        return "Click a point or a node of a map to see it in all three."
    place = compare.nodes.index(node)
    text = " · ".join(
        f"{short_title_of(model)} {formatting.score(compare.models[model].risk[place])}"
        for model in models
    )
    return [dcc.Link(f"{name}: open its page", href=node_href(node)), f" {text}"]


def only_table() -> Component:
    """The empty table of alarms that one model alone has raised, ``compare-only``.

    A row is opened with a click or with Enter.
    """
    open_row = ["gridstressAlarms.open(params)"]
    table: Component = dag.AgGrid(
        id="compare-only",
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.episode_id",
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        eventListeners={"rowClicked": open_row, "cellKeyDown": open_row, **ORDER},
        dashGridOptions={
            "tabToNextCell": LEAVE,
            "animateRows": False,
            "rowHeight": 27,
            "headerHeight": 30,
            "localeText": {"noRowsToShow": "None: every alarm was raised by both models."},
        },
        className="ag-theme-quartz top-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def only_rows(history: History | None, episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    """Rows of the lone alarms that are among ``episodes``, the one raised last first."""
    if history is None:
        return []
    lone = {name for names in history.episodes.only.values() for name in names}
    return [
        {
            "episode_id": episode.episode_id,
            "node": episode.name,
            "href": node_href(episode.node_id, episode.model),
            "only": short_title_of(episode.model),
            "level": episode.level,
            # Written so that sorting the text sorts the time.
            "raised": episode.raised_at[:16].replace("T", " "),
            "hours": round(episode.duration_s / 3600, 1),
            "state": "open" if episode.open else "cleared",
            "peak": formatting.score(episode.peak_risk),
        }
        for episode in episodes
        if episode.episode_id in lone
    ]


def only_note(history: History | None, models: Sequence[str], shown: int) -> str:
    """How many alarms there are of both and of each alone; how many of them are not shown."""
    if history is None:
        return ""
    counts = history.episodes
    alone: Mapping[str, int] = {
        model: counts.counts.get(model, 0) - counts.both for model in models
    }
    text = " · ".join(f"{short_title_of(model)} {count:,}" for model, count in alone.items())
    hidden = sum(alone.values()) - shown
    more = f" (newest {shown} listed)" if shown and hidden > 0 else ""
    return f"{text} · both {counts.both:,}{more}"


def _measure(value: float | None) -> str:
    return formatting.DASH if value is None else f"{value:.2f}".replace("-", "−")
