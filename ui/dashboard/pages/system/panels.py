"""The system page's panels: each worker's state, partitions and counters."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from ui.dashboard.panels.components import LEAVE, Kpi
from ui.dashboard.shell.list_address import ORDER
from ui.dashboard.style import formatting
from ui.schema.system import ROLES, System, WorkerStatus

SILENT_S = 8.0
"""Seconds without a word after which a worker counts as silent; each speaks every two."""

CARDS = {
    "workers": ("Workers", "seen in the last minute"),
    "throughput": ("Throughput", "frames a second, all stages"),
    "lag": ("Lag", "records not finished"),
    "late": ("Late and ahead", "rows too late · too far ahead"),
    "refused": ("Dead letters", "records that were refused"),
    "odd": ("Duplicates and gaps", "seen twice · missing"),
}
"""Title and meaning by id."""

# Most meanings are longer than a line, and a tooltip is nothing for fingers or the keyboard.
WRAPPED: dict[str, Any] = {"wrapText": True, "autoHeight": True, "cellClass": "wraps"}
SETTING_COLUMNS: list[dict[str, Any]] = [
    {
        "field": "name",
        "headerName": "Setting",
        "flex": 1.1,
        "minWidth": 118,
        "maxWidth": 300,
        **WRAPPED,
    },
    {
        "field": "value",
        "headerName": "Value",
        "flex": 0.7,
        "minWidth": 86,
        "maxWidth": 240,
        **WRAPPED,
    },
    {"field": "meaning", "headerName": "What it is", "flex": 1.6, "minWidth": 150, **WRAPPED},
]
SETTING_OPTIONS: dict[str, Any] = {
    "animateRows": False,
    "tabToNextCell": LEAVE,
    "headerHeight": 30,
    "tooltipShowDelay": 300,
    "enableCellTextSelection": True,
    "localeText": dict.fromkeys(("noRowsToShow", "noMatchingRows"), "No such setting."),
}


def system_cards() -> html.Section:
    """The empty cards; ``system-<id>`` and ``system-<id>-detail`` take the texts."""
    return html.Section(
        [
            html.Div(
                [
                    html.Div(title, className="kpi-title", title=meaning),
                    html.Div(formatting.DASH, id=f"system-{name}", className="kpi-value"),
                    html.Div(meaning, id=f"system-{name}-detail", className="kpi-detail"),
                ],
                className="card kpi",
            )
            for name, (title, meaning) in CARDS.items()
        ],
        className="kpis system-kpis",
    )


def card_values(system: System) -> dict[str, Kpi]:
    """The cards' texts by id; counts are since each worker's start."""
    workers = at_work(system)
    views = len(system.workers) - len(workers)
    silent = sum(is_silent(worker, system.now) for worker in workers)
    fine = sum(w.status == "ok" and not is_silent(w, system.now) for w in workers)
    beside = f" · {formatting.plural(views, 'view server')}" if views else ""
    lag = totals([worker.lag for worker in workers])
    refused = totals([worker.dead_letters for worker in workers])
    rates = totals([w.frames_per_s for w in workers if not is_silent(w, system.now)])
    duplicates = sum(w.duplicates for w in workers)
    # Every worker knows the rows of all shards.
    late, ahead, gaps = (
        max((getattr(w, name) for w in workers), default=0)
        for name in ("late_rows", "ahead_rows", "gaps")
    )
    meanings = {name: meaning for name, (_, meaning) in CARDS.items()}
    worst = max(lag, key=lambda topic: lag[topic], default="")
    return {
        "workers": Kpi(
            f"{len(workers)}",
            f"{formatting.plural(silent, 'silent worker') if silent else f'{fine} ok'}{beside}",
        ),
        "throughput": Kpi(f"{sum(rates.values()):,.1f}", meanings["throughput"]),
        "lag": Kpi(
            f"{sum(lag.values()):,}",
            f"{lag[worst]:,.0f} in {worst}" if worst and lag[worst] else meanings["lag"],
        ),
        "late": Kpi(f"{late:,} · {ahead:,}", meanings["late"]),
        "refused": Kpi(
            f"{sum(refused.values()):,}",
            " · ".join(f"{reason_words(r)} {n:,}" for r, n in refused.items()) or "none refused",
        ),
        "odd": Kpi(f"{duplicates:,} · {gaps:,}", meanings["odd"]),
    }


def at_work(system: System) -> list[WorkerStatus]:
    """The workers without the view servers."""
    return [worker for worker in system.workers if worker.role != "views"]


def totals(counts: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Sums by name, the names in order."""
    names = sorted({name for count in counts for name in count})
    return {name: sum(count.get(name, 0) for count in counts) for name in names}


def is_silent(worker: WorkerStatus, now: float) -> bool:
    """Whether a worker has not spoken for longer than it should."""
    return now - worker.seen_at > SILENT_S


def state_words(worker: WorkerStatus, now: float) -> str:
    """A worker's state in a word: its status, or how long it has been silent."""
    if is_silent(worker, now):
        return f"silent for {formatting.age(now - worker.seen_at)}"
    return worker.status or "unknown"


def worker_table(system: System) -> Component:
    """A row a worker; a silent one says so and is drawn faintly."""
    if not system.workers:
        return html.Div("No worker has published its status in the last minute.", className="help")
    heads = ("Worker", "Role", "State", "Up for", "Memory", "Frames a second, by stage", "Late",
             "Ahead", "Duplicates", "Gaps", "Dead letters", "Versions")  # fmt: skip
    rows = [
        html.Tr(
            [
                html.Th(worker.worker, scope="row"),
                html.Td(ROLES.get(worker.role, worker.role)),
                html.Td(_state(worker, system.now)),
                html.Td(formatting.age(worker.seen_at - worker.started_at)),
                html.Td(f"{worker.rss_mb:,.0f} MB" if worker.rss_mb else formatting.DASH),
                html.Td(_by_name(worker.frames_per_s, "{:,.1f}"), className="wrap"),
                html.Td(f"{worker.late_rows:,}"),
                html.Td(f"{worker.ahead_rows:,}"),
                html.Td(f"{worker.duplicates:,}"),
                html.Td(f"{worker.gaps:,}"),
                html.Td(_by_name(worker.dead_letters, "{:,}", "none"), className="wrap"),
                html.Td(
                    _versions(worker),
                    className="wrap muted",
                ),
            ],
            className="silent" if is_silent(worker, system.now) else "",
        )
        for worker in system.workers
    ]
    return html.Table(
        [html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])), html.Tbody(rows)],
        className="plain-table",
    )


def partition_tables(system: System, partitions: int) -> list[Component]:
    """One small table a topic: who owns which partition, and what is not finished of it.

    A partition without an owner, or with a silent one, is named in words.
    """
    topics = sorted({topic for worker in system.workers for topic in worker.partitions})
    return [_partition_table(topic, system, partitions) for topic in topics] or [
        html.Div("No worker owns a partition.", className="help")
    ]


def _partition_table(topic: str, system: System, partitions: int) -> Component:
    workers = at_work(system)
    owned = {w.worker: set(w.partitions.get(topic, ())) for w in workers}
    last = max((number for numbers in owned.values() for number in numbers), default=-1)
    numbers = range(max(partitions, last + 1))
    awake = {n for w in workers if not is_silent(w, system.now) for n in owned[w.worker]}
    orphans = [str(number) for number in numbers if number not in awake]
    lag = sum(worker.lag.get(topic, 0) for worker in workers)
    rows = [
        html.Tr(
            [
                html.Th(worker.worker, scope="row"),
                *(_cell(number, number in owned[worker.worker]) for number in numbers),
                html.Td(f"{worker.lag.get(topic, 0):,}", className="number-cell"),
            ],
            className="silent" if is_silent(worker, system.now) else "",
        )
        for worker in workers
    ]
    head = ["partition", *map(str, numbers), "lag"]
    return html.Div(
        [
            html.H3([topic, html.Span(f"lag {lag:,}", className="muted")]),
            html.Table(
                [html.Thead(html.Tr([html.Th(h, scope="col") for h in head])), html.Tbody(rows)],
                className="plain-table partition-table",
            ),
            html.Div(
                f"No worker reports partition {', '.join(orphans)}." if orphans else "",
                className="orphans",
            ),
        ],
        className="topic",
    )


def _cell(number: int, owned: bool) -> html.Td:
    title = f"owns partition {number}" if owned else f"does not own partition {number}"
    return html.Td("●" if owned else "·", title=title, className="owned" if owned else "other")


def settings_table() -> Component:
    """The empty table of settings, ``system-settings``."""
    table: Component = dag.AgGrid(
        id="system-settings",
        columnDefs=SETTING_COLUMNS,
        rowData=[],
        getRowId="params.data.name",
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        eventListeners=ORDER,
        dashGridOptions=SETTING_OPTIONS,
        className="ag-theme-quartz top-table settings-table",
        style={"height": "100%", "width": "100%"},
    )
    return table


def setting_rows(settings: Mapping[str, str], meanings: Mapping[str, str]) -> list[dict[str, str]]:
    """A row a setting, by name; ``meanings`` by the same names."""
    return [
        {"name": name, "value": value, "meaning": meanings.get(name, "")}
        for name, value in sorted(settings.items())
    ]


def reason_words(reason: str) -> str:
    """A dead letter's reason as people read it."""
    return reason.replace("_", " ")


def _by_name(counts: Mapping[str, float], form: str, empty: str = formatting.DASH) -> str:
    text = [f"{reason_words(name)} {form.format(count)}" for name, count in sorted(counts.items())]
    return ", ".join(text) or empty


def _versions(worker: WorkerStatus) -> str:
    text = f"gridstress {worker.version} · faust {worker.faust} · Python {worker.python}"
    return f"{text} · settings {worker.settings}" if worker.settings else text


def _state(worker: WorkerStatus, now: float) -> html.Span:
    text = state_words(worker, now)
    return html.Span(text, className="state" if text == "ok" else "state state-bad")
