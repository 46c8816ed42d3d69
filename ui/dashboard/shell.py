"""What all pages share: header, model switch, status line, the one clock, and the routing."""

import time
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ui.dashboard import words
from ui.dashboard.about import about_panel, credit_line
from ui.dashboard.figures.timeline import SLIDE_S
from ui.dashboard.page import Page
from ui.dashboard.source import Source
from ui.dashboard.status import Status, status_of
from ui.dashboard.theme import FONT, MODEL_TITLES, model_title
from ui.poller import Snapshot
from ui.replies import GridInfo


def shell(pages: Sequence[Page], refresh_s: float) -> Component:
    """The frame around every page."""
    frame: Component = dmc.MantineProvider(
        html.Div(
            [
                dcc.Location(id="url"),
                dcc.Interval(id="tick", interval=round(refresh_s * 1000)),
                dcc.Store(id="news"),
                dcc.Store(id="slide"),
                dcc.Store(id="beat"),
                _header(pages),
                html.Div(
                    [html.Strong(id="status-title"), html.Span(id="status-detail")],
                    id="status",
                    className="status status-waiting",
                    role="status",
                ),
                html.Main(id="page"),
                html.Footer(
                    [
                        html.Span("Risk is a score, not a probability.", className="claim"),
                        html.Span(id="credit"),
                    ]
                ),
            ],
            id="root",
            className="root",
        ),
        forceColorScheme="light",
        theme={"fontFamily": FONT, "primaryColor": "blue"},
    )
    return frame


def register_shell(app: Dash, source: Source, pages: Sequence[Page]) -> None:
    """Add the callbacks of the shell."""
    by_path = {page.path: page for page in pages}

    @app.callback(Output("page", "children"), Input("url", "pathname"))
    def route(pathname: str | None) -> Component:
        page = by_path.get(pathname or "/")
        return page.layout() if page else _nowhere()

    @app.callback(
        Output("status-title", "children"),
        Output("status-detail", "children"),
        Output("status", "className"),
        Output("news", "data"),
        Output("slide", "data"),
        Output("beat", "data"),
        Input("tick", "n_intervals"),
        State("status-detail", "children"),
        State("status", "className"),
        State("news", "data"),
        State("slide", "data"),
    )
    def beat(
        ticks: int | None,
        detail: str | None,
        css: str | None,
        news: int | None,
        slide: int | None,
    ) -> tuple[Any, ...]:
        now = time.time()
        snapshot = source.snapshot()
        status = status_of(snapshot, now)
        known = detail == status.detail and css == status_class(status)
        version, window = snapshot.version, int(now // SLIDE_S)
        return (
            *((no_update,) * 3 if known else (status.title, status.detail, status_class(status))),
            no_update if version == news else version,
            no_update if window == slide else window,
            ticks or 0,
        )

    @app.callback(
        Output("run", "children"),
        Output("synthetic", "className"),
        Output("model", "data"),
        Output("credit", "children"),
        Output("about", "children"),
        Input("news", "data"),
    )
    def describe(_news: int | None) -> tuple[Any, ...]:
        return describe_run(source.snapshot())

    # The browser itself notices when this process is gone: then nobody else can tell.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "watch"),
        Output("root", "className"),
        Input("tick", "n_intervals"),
        Input("beat", "data"),
        Input("status", "className"),
    )


def status_class(status: Status) -> str:
    """The CSS classes of the status line."""
    return f"status status-{status.kind}"


def describe_run(snapshot: Snapshot) -> tuple[Any, ...]:
    """Run name, class of the synthetic badge, choices of the model switch, credit, explanation."""
    grid, run = snapshot.grid, snapshot.run
    name = run.run if run else None
    return (
        f"run {name}" if name else "no run yet",
        "badge" if words.is_synthetic(name) else "badge hidden",
        model_options(grid),
        credit_line(grid),
        about_panel(grid),
    )


def model_options(grid: GridInfo | None) -> list[dict[str, str]]:
    """The choices of the model switch."""
    models = grid.models if grid else list(MODEL_TITLES)
    return [{"value": model, "label": model_title(model)} for model in models]


def _header(pages: Sequence[Page]) -> html.Header:
    links = [dcc.Link(page.title, href=page.path) for page in pages] if len(pages) > 1 else []
    return html.Header(
        [
            html.Div(
                [
                    html.H1("gridstress"),
                    html.Span("how stress spreads over the power grid", className="tagline"),
                ],
                className="brand",
            ),
            html.Nav(links),
            html.Div(
                [
                    html.Span("no run yet", id="run", className="run"),
                    html.Span(
                        "synthetic data",
                        id="synthetic",
                        className="badge hidden",
                        title="The loads of this run were made up by a generator, not measured.",
                    ),
                ],
                className="run-line",
            ),
            html.Div(
                [
                    html.Span("Model", className="muted"),
                    dmc.SegmentedControl(
                        id="model",
                        data=model_options(None),
                        value=next(iter(MODEL_TITLES)),
                        size="xs",
                        color="blue",
                        persistence=True,
                        persistence_type="session",
                    ),
                    dmc.Popover(
                        [
                            dmc.PopoverTarget(
                                html.Button(
                                    "What is this?", className="about-button", type="button"
                                )
                            ),
                            dmc.PopoverDropdown(html.Div(id="about", className="about")),
                        ],
                        width=430,
                        position="bottom-end",
                        shadow="md",
                        keepMounted=True,
                    ),
                ],
                className="controls",
            ),
        ]
    )


def _nowhere() -> Component:
    return html.Div(
        ["There is no such page. ", dcc.Link("Go to the overview", href="/")], className="help"
    )
