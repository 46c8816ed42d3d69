"""The alarms page's callbacks: rows as transactions, filters, the empty table, the export."""

import zlib
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any

import msgspec
from dash import ClientsideFunction, Dash, Input, Output, State, no_update

from ui.client.poller import EPISODES
from ui.client.snapshot import Snapshot
from ui.dashboard.pages.alarms.filters import FILTERS, Filters, filter_model, model_choices
from ui.dashboard.panels.episodes import Row, episode_rows, row_changes
from ui.dashboard.shell.list_address import register_filters, register_order
from ui.dashboard.shell.source import Source
from ui.dashboard.style.grid_facts import Loading, loads_of, models_of, names_of
from ui.schema.runs import Episodes

KEPT_TABLES = 16


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""
    book = RowBook()

    @app.callback(
        Output("alarms-table", "rowData"),
        Output("alarms-table", "rowTransaction"),
        Output("alarms-shown", "data"),
        Output("alarms-total", "data"),
        Input("news", "data"),
        State("alarms-shown", "data"),
        State("alarms-total", "data"),
    )
    def rows(_news: object, shown: int | None, count_shown: Any) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        # Without the grid's names the rows would be others a moment later.
        found = source.episodes() if snapshot.grid else None
        names = names_of(snapshot.grid)
        empty = empty_text(snapshot, found)
        total = {
            "empty": empty,
            "limit": EPISODES if found and len(found.episodes) >= EPISODES else 0,
        }
        view = snapshot.view(models_of(snapshot.grid)[0])
        loads = loads_of(snapshot.grid, view.state if view else None)
        rows = book.update(found, names, shown, loads)
        return *rows, no_update if total == count_shown else total

    @app.callback(
        Output("alarms-zone", "data"), Input("news", "data"), State("alarms-zone", "data")
    )
    def zones(_news: object, shown: list[str]) -> Any:
        grid = source.snapshot().grid
        return grid.zones if grid and grid.zones != shown else no_update

    @app.callback(Output("alarms-by", "data"), Input("news", "data"), State("alarms-by", "data"))
    def models(_news: object, shown: list[dict[str, str]]) -> Any:
        choices = model_choices(source.snapshot().grid)
        return choices if choices != shown else no_update

    @app.callback(
        Output("alarms-table", "filterModel"),
        *(Input(f"alarms-{name}", "value") for name in FILTERS),
        Input("alarms-shown", "data"),
        State("alarms-table", "filterModel"),
        State("news", "data"),
    )
    def filters(
        levels: list[str] | None,
        state: str | None,
        model: str | None,
        zone: str | None,
        time: str | None,
        node: str | None,
        _shown: int | None,
        applied: dict[str, Any] | None,
        _news: object,
    ) -> Any:
        chosen = Filters(levels or (), state, model, zone, time, node)
        found = source.episodes()
        wanted = filter_model(chosen, found.event_time if found else None)
        # A table that was not ready yet has lost what it was sent: then it is sent again.
        return no_update if wanted == (applied or {}) else wanted

    register_filters(app, "alarms", FILTERS, [Input("alarms-reset", "n_clicks")])
    register_order(app, "alarms-table")

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressAlarms", "count"),
        Output("alarms-count", "children"),
        Output("alarms-empty", "children"),
        Output("alarms-empty", "className"),
        Input("alarms-table", "virtualRowData"),
        Input("alarms-total", "data"),
        Input("alarms-table", "filterModel"),
        State("alarms-table", "id"),
    )

    @app.callback(
        Output("alarms-table", "exportDataAsCsv"),
        Input("alarms-export", "n_clicks"),
        prevent_initial_call=True,
    )
    def export(_clicks: int) -> bool:
        return True


def empty_text(snapshot: Snapshot, found: Episodes | None) -> str:
    """What a table without any episode says, empty when there are episodes."""
    if found and found.episodes:
        return ""
    if snapshot.grid is None:
        return "Nothing is known yet: waiting for a worker."
    if snapshot.run is None:
        return "No data yet: nothing has been replayed."
    if found is None:
        return "The workers have not published their alarms yet."
    warning = snapshot.grid.settings.levels.get("WARNING", 0.5)
    return (
        f"No alarm in this run so far. One is raised when the risk of a node's final window "
        f"reaches {warning:.2f}; it will appear here by itself."
    )


class RowBook:
    """Knows which rows a browser has, by their mark, so that only what changed is sent.

    The mark is a checksum of the rows: the book may forget, or start afresh, and the browser is
    sent all of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: tuple[Episodes, Mapping[str, Loading], int] | None = None
        self._kept: OrderedDict[int, Mapping[str, Row]] = OrderedDict()

    def update(
        self,
        found: Episodes | None,
        names: Mapping[str, str],
        shown: int | None,
        loads: Mapping[str, Loading] = MappingProxyType({}),
    ) -> tuple[Any, Any, Any]:
        """The new ``rowData``, ``rowTransaction`` and mark for a browser that has ``shown``."""
        if found is None:
            return (no_update,) * 3
        with self._lock:
            mark = self._mark(found, names, loads)
            after, before = self._kept[mark], self._kept.get(shown or 0)
        if mark == shown:
            return (no_update,) * 3
        if before is None:
            return list(after.values()), no_update, mark
        return no_update, row_changes(before, after), mark

    def _mark(self, found: Episodes, names: Mapping[str, str], loads: Mapping[str, Loading]) -> int:
        if self._last is None or self._last[0] is not found or self._last[1] != loads:
            made = episode_rows(found.episodes, names, loads)
            rows = {row["episode_id"]: row for row in made}
            mark = zlib.crc32(msgspec.json.encode(rows)) or 1
            self._kept[mark] = rows
            self._last = found, loads, mark
        mark = self._last[2]
        self._kept.move_to_end(mark)
        while len(self._kept) > KEPT_TABLES:
            self._kept.popitem(last=False)
        return mark
