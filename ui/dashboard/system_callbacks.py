"""The system page's callbacks.

They listen to ``slide`` too: workers tell how they are, and fall silent, while no data flows.
"""

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, State, no_update

from ui.dashboard.panels import system as panel
from ui.dashboard.source import Source


def register(app: Dash, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(
        [
            *(
                target
                for name in panel.CARDS
                for target in (
                    Output(f"system-{name}", "children"),
                    Output(f"system-{name}-detail", "children"),
                )
            ),
            Output("system-workers-table", "children"),
            Output("system-partitions", "children"),
        ],
        Input("news", "data"),
        Input("slide", "data"),
    )
    def workers(_news: object, _slide: int | None) -> list[Any]:
        system = source.system()
        if system is None:
            return [no_update] * (2 * len(panel.CARDS) + 2)
        grid = source.snapshot().grid
        values = panel.card_values(system)
        return [
            *(text for name in panel.CARDS for text in (values[name].value, values[name].detail)),
            panel.worker_table(system),
            panel.partition_tables(system, grid.settings.partitions if grid else 0),
        ]


def register_settings(app: Dash, source: Source, meanings: Mapping[str, str]) -> None:
    """Add the callbacks of the table of settings; ``meanings`` by the variable's name."""

    @app.callback(
        Output("system-settings", "rowData"),
        Output("system-mark", "data"),
        Input("news", "data"),
        Input("slide", "data"),
        State("system-mark", "data"),
    )
    def settings(_news: object, _slide: int | None, mark: dict[str, str] | None) -> Any:
        system = source.system()
        if system is None or system.settings == mark:
            return no_update, no_update
        return panel.setting_rows(system.settings, meanings), system.settings

    @app.callback(Output("system-settings", "dashGridOptions"), Input("system-search", "value"))
    def search(text: str | None) -> dict[str, Any]:
        return {**panel.SETTING_OPTIONS, "quickFilterText": text or ""}
