"""The filters and the order of a page's list, kept in the address.

The address names what is chosen (``/alarms?level=HIGH,CRITICAL&sort=-peak_risk``) and nothing that
is not. One that names no filter keeps what is chosen, as it does with the run.
"""

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc
from dash.development.base_component import Component

ORDER: dict[str, Any] = {"sortChanged": ["gridstressOrder.write(params)"]}
"""For a table's ``eventListeners``: its order goes into ``?sort=``."""


def register_order(app: Dash, table: str) -> None:
    """Sort a table by ``?sort=`` when its page opens or the address changes."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressOrder", "read"),
        # Never sent anything; what is on the page is called when the page opens.
        Output(table, "columnState"),
        Input("url", "search"),
        State(table, "id"),
    )


def address_read(page: str) -> Component:
    """What a page's filters remember of the address; goes into its layout."""
    store: Component = dcc.Store(id=f"{page}-read")
    return store


def register_filters(
    app: Dash, page: str, filters: Sequence[str], reset: Sequence[Input] = ()
) -> None:
    """Keep a page's filters in the address, by their names.

    The control of a filter is ``page-filter``; ``lists.js`` has the filters of each page in the
    same order. ``reset`` is the button that leaves nothing of them.
    """
    controls = [f"{page}-{name}" for name in filters]
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressFilters", page),
        *(Output(control, "value") for control in controls),
        Output(f"{page}-read", "data"),
        Input("url", "search"),
        *(Input(control, "value") for control in controls),
        *reset,
        State(f"{page}-read", "data"),
    )
