"""The compare page's panels: cards, the selected node, alarms of one side alone."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html
from dash.development.base_component import Component

from ui.dashboard.pages.compare.sides import Side
from ui.dashboard.panels.components import LEAVE, Kpi
from ui.dashboard.shell.links import node_href
from ui.dashboard.shell.list_address import ORDER
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import Loading
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
    compare: Compare | None, history: History | None, pair: Sequence[Side]
) -> dict[str, Kpi]:
    """The cards' texts by id; the first side's figure stands first, as the detail says."""
    cards = {name: Kpi(formatting.DASH, "no data yet") for name in CARDS}
    if compare and compare.run:
        sides = [
            compare.models[side.name] if there else None
            for side, there in zip(pair, _there(compare), strict=True)
        ]
        order = " · ".join(side.short for side in pair)
        overlap, tau = compare.top_k_overlap, compare.rank_correlation
        cards |= {
            "average": Kpi(
                " · ".join(formatting.score(side.average_risk if side else None) for side in sides),
                order,
            ),
            "alarms": Kpi(
                " · ".join(str(side.active_alarms) if side else formatting.DASH for side in sides),
                order,
            ),
            "overlap": Kpi(_measure(overlap), overlap_words(compare, pair)),
            "order": Kpi(_measure(tau), order_words(compare)),
        }
    if history:
        cards["lead"] = Kpi(*lead_words(history.lead, pair))
    return cards


def overlap_words(compare: Compare, pair: Sequence[Side], k: int = 10) -> str:
    """How many of the ``k`` nodes with the highest risk the sides share."""
    if compare.top_k_overlap is None:
        return _nothing(compare)
    tops = []
    for side in pair:
        risks = dict(zip(compare.nodes, compare.models[side.name].risk, strict=True))
        ranked = sorted((n for n in risks if risks[n] > 0), key=lambda n: (-risks[n], n))
        tops.append(set(ranked[:k]))
    most = max(len(top) for top in tops)
    return f"{len(tops[0] & tops[1])} of {formatting.plural(most, 'node')} in both"


def _there(compare: Compare) -> tuple[bool, bool]:
    """Whether each side has values now."""
    if compare.beside is None:
        return True, True
    return compare.event_time is not None, compare.beside.event_time is not None


def _nothing(compare: Compare) -> str:
    """Why there is no measure."""
    return "no node is stressed" if all(_there(compare)) else "one has no window now"


def order_words(compare: Compare) -> str:
    """What its rank correlation means."""
    tau = compare.rank_correlation
    if tau is None:
        return _nothing(compare)
    for least, text in ((0.9, "nearly the same order"), (0.6, "much the same order"),
                        (0.3, "partly the same order"), (-0.3, "hardly related")):  # fmt: skip
        if tau >= least:
            return text
    return "the opposite order"


def lead_words(lead: Lead, pair: Sequence[Side]) -> tuple[str, str]:
    """Who raises first and by how much, and what that is counted from."""
    earlier = [lead.earlier.get(side.name, 0) for side in pair]
    pairs = sum(earlier) + lead.same
    if lead.median_s is None or not pairs:
        return formatting.DASH, "no alarm raised by both yet"
    titles = [side.short for side in pair]
    counts = ", ".join(
        f"{title} {count}×" for title, count in zip(titles, earlier, strict=True)
    )  # fmt: skip
    detail = f"first: {counts}, neither {lead.same}×"
    if lead.median_s == 0:
        return "none", detail
    first = titles[lead.median_s < 0]
    return f"{first} {formatting.span(abs(lead.median_s))} earlier", detail


def picked_line(
    compare: Compare | None,
    pair: Sequence[Side],
    name: str,
    node: str | None,
    loads: Mapping[str, Loading] = MappingProxyType({}),
) -> Any:
    """What both sides say of the picked node, its load, and the way to its page."""
    if compare is None or node is None or node not in compare.nodes:
        return "Click a point or a node of a map to see it in all three."
    place = compare.nodes.index(node)
    text = " · ".join(
        f"{side.short} {formatting.score(compare.models[side.name].risk[place])}" for side in pair
    )
    load = loads.get(node)
    if load is not None:
        whose = "first: " if any(side.run for side in pair) else ""
        part = formatting.percent(load.part)
        text += f" · {whose}{formatting.load(load.mw)}, {part} of rating"
    return [dcc.Link(f"{name}: open its page", href=node_href(node)), f" {text}"]


def only_table() -> Component:
    """The empty table of alarms that one side alone has raised, ``compare-only``.

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
            "localeText": {"noRowsToShow": "None: every alarm was raised by both."},
        },
        className="ag-theme-quartz top-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def only_rows(
    history: History | None, pair: Sequence[Side], episodes: Sequence[Episode]
) -> list[dict[str, Any]]:
    """Rows of the lone alarms that are among ``episodes``, in their order."""
    if history is None:
        return []
    lone = {name: side for side in pair for name in history.episodes.only.get(side.name, ())}
    return [
        {
            "episode_id": episode.episode_id,
            "node": episode.name,
            "href": node_href(episode.node_id, episode.model, lone[episode.episode_id].run),
            "only": lone[episode.episode_id].short,
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


def only_note(history: History | None, pair: Sequence[Side], shown: int) -> str:
    """How many alarms there are of both and of each alone; how many of them are not shown."""
    if history is None:
        return ""
    counts = history.episodes
    alone = [counts.counts.get(side.name, 0) - counts.both for side in pair]
    text = " · ".join(f"{side.short} {count:,}" for side, count in zip(pair, alone, strict=True))
    hidden = sum(alone) - shown
    more = f" (newest {shown} listed)" if shown and hidden > 0 else ""
    since = f", raised since {formatting.short_time(counts.since)}" if counts.since else ""
    return f"{text} · both {counts.both:,}{since}{more}"


def _measure(value: float | None) -> str:
    return formatting.DASH if value is None else f"{value:.2f}".replace("-", "−")
