"""The overview's callbacks: each fills one panel from the newest snapshot.

They listen to ``news``, which changes only with the snapshot's version: when nothing is new,
nothing is sent.
"""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State

from topology.models import title_of
from ui.client.trends import FIGURES
from ui.dashboard.pages.overview import maps, open_alarms, selected_node, timeline, zones
from ui.dashboard.pages.overview.kpis import KPIS, kpi_values, trend_style
from ui.dashboard.pages.overview.maps import shown_models
from ui.dashboard.pages.overview.top import top_rows
from ui.dashboard.shell.source import Source


def register(app: Dash, source: Source) -> None:
    """Add the overview's callbacks."""
    _register_values(app, source)
    zones.register(app, source)
    maps.register(app, source)
    timeline.register(app, source)
    selected_node.register(app, source)
    open_alarms.register(app, source)


def _register_values(app: Dash, source: Source) -> None:
    @app.callback(
        [
            *(Output(f"kpi-{name}", "children") for name in KPIS),
            *(Output(f"kpi-{name}-detail", "children") for name in KPIS),
            *(Output(f"kpi-{name}-trend", "style") for name in FIGURES),
        ],
        Input("news", "data"),
        Input("model", "value"),
    )
    def kpis(_news: object, model: str) -> list[Any]:
        values = kpi_values(source.snapshot(), model)
        return [
            *(values[name].value for name in KPIS),
            *(values[name].detail for name in KPIS),
            *(trend_style(values[name].trend) for name in FIGURES),
        ]

    @app.callback(
        Output("top", "rowData"),
        Input("news", "data"),
        Input("model", "value"),
        Input("pick", "value"),
        Input("top-size", "value"),
        Input("zone", "value"),
    )
    def top(
        _news: object, model: str, picked: str | None, size: str | None, zone: str | None
    ) -> list[dict[str, Any]]:
        return top_rows(source.snapshot(), model, int(size or 10), picked, zones.chosen(zone))

    @app.callback(
        Output("overview", "className"),
        Output("map-title", "children"),
        Output("map-second-title", "children"),
        Output("top-model", "children"),
        Output("timeline-model", "children"),
        Input("view", "value"),
        Input("pair", "value"),
        Input("model", "value"),
        Input("run", "children"),
        State("news", "data"),
    )
    def titles(
        view: str, pair: str | None, model: str, _run: str | None, _news: object
    ) -> tuple[str, ...]:
        first, second = shown_models(source.snapshot().grid, view, model, pair)
        if second is None:
            return "overview", "Grid", "", f"by {title_of(model)}", ""
        return (
            "overview side-by-side",
            title_of(first),
            title_of(second),
            f"by {title_of(model)}",
            f"{title_of(model)} · ",
        )

    # The browser itself counts the age of the values on.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "age"),
        Output("kpi-age", "children"),
        Output("kpi-age-detail", "children"),
        Input("tick", "n_intervals"),
        Input("fresh", "data"),
    )
