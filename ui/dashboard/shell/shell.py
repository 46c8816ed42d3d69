"""What all pages share: header, status line, the one clock, the time bar, and the routing."""

import time
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from msgspec import structs

from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard.figures.timeline import SLIDE_S
from ui.dashboard.shell.alarm_bar import alarm_bar, register_alarm_bar
from ui.dashboard.shell.audit_badge import audit_badge, badge_children
from ui.dashboard.shell.header import aria, header, model_options, nav_links, switch_label
from ui.dashboard.shell.help import about_panel, credit_line
from ui.dashboard.shell.links import node_of
from ui.dashboard.shell.model_pair import register_pairs
from ui.dashboard.shell.origin import origin_badge, run_title
from ui.dashboard.shell.page import Page, page_at
from ui.dashboard.shell.replay_panel import register_replay_panel, shown_replay
from ui.dashboard.shell.run_select import register_run_chooser
from ui.dashboard.shell.source import Source
from ui.dashboard.shell.status import Status, moment_status, status_of
from ui.dashboard.shell.time_bar import register_time_bar, time_bar
from ui.dashboard.shell.view_context import known_moment
from ui.dashboard.style.grid_facts import grid_mark, names_of
from ui.dashboard.style.theme import FONT, INK, NIGHT_SHADES
from ui.schema.grid import GridInfo

STORES = ("news", "server-news", "grid", "slide", "beat", "fresh", "run-chosen", "title", "looked")


def shell(pages: Sequence[Page], refresh_s: float, grid: GridInfo | None) -> Component:
    """The frame around every page; ``grid`` as far as it is known."""
    frame: Component = dmc.MantineProvider(
        html.Div(
            [
                html.A("Skip to the page", href="#page", className="skip-link"),
                dcc.Location(id="url", refresh="callback-nav"),
                dcc.Interval(id="tick", interval=round(refresh_s * 1000)),
                *(dcc.Store(id=name) for name in STORES),
                header(pages, grid),
                html.Div(
                    [
                        alarm_bar(),
                        html.Section(
                            [
                                # Read out when it changes; the detail counts seconds and is not.
                                html.Strong(id="status-title", role="status"),
                                html.Span(id="status-detail"),
                            ],
                            id="status",
                            className="status status-waiting",
                            **aria(label="State of the data"),
                        ),
                    ],
                    className="state-line",
                ),
                html.Main(id="page", tabIndex=-1),
                time_bar(),
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
        defaultColorScheme="auto",
        theme={
            "fontFamily": FONT,
            "black": INK,
            "respectReducedMotion": True,
            "primaryColor": "blue",
            # White on the usual shade of blue is too faint to read.
            "primaryShade": 8,
            "colors": {"dark": list(NIGHT_SHADES)},
        },
    )
    return frame


def register_shell(
    app: Dash, source: Poller, context: Source, pages: Sequence[Page], *, token: bool
) -> None:
    """Add the callbacks of the shell.

    ``context`` is what the browser of the running callback looks at, ``pages`` are in the order
    of the navigation, ``token`` is whether only those are let in who have logged in.
    """
    _register_routing(app, source, pages)
    _register_beat(app, source)
    register_time_bar(app, source)
    register_replay_panel(app, source, token=token)
    register_alarm_bar(app, context)
    register_run_chooser(app, context)
    register_pairs(app, context)

    @app.callback(
        Output("run", "children"),
        Output("run", "title"),
        Output("origin", "children"),
        Output("origin", "className"),
        Output("origin", "title"),
        Output("credit", "children"),
        Output("about", "children"),
        Input("news", "data"),
    )
    def describe(_news: object) -> tuple[Any, ...]:
        return describe_run(context.snapshot())

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "scheme"),
        Output("scheme", "computedColorScheme"),
        Input("tick", "n_intervals"),
        State("scheme", "computedColorScheme"),
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstressShare", "look"),
        Output("looked", "data"),
        Input("url", "search"),
        Input("scheme", "computedColorScheme"),
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "openAbout"),
        Output("about-drawer", "opened"),
        Input("about-open", "n_clicks"),
        prevent_initial_call=True,
    )

    # The browser itself notices when this process is gone: no one else is left to say so.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "watch"),
        Output("root", "className"),
        Input("tick", "n_intervals"),
        Input("beat", "data"),
        Input("status", "className"),
    )


def _register_routing(app: Dash, source: Poller, pages: Sequence[Page]) -> None:
    @app.callback(
        Output("page", "children"),
        Output("nav", "children"),
        Output("title", "data"),
        Input("url", "pathname"),
    )
    def route(pathname: str | None) -> tuple[Any, ...]:
        path = pathname or "/"
        page = page_at(pages, path)
        title = window_title(page, path, source.snapshot().grid)
        return page.layout() if page else _nowhere(), nav_links(pages, path), title

    @app.callback(
        Output("view", "data"),
        Output("view", "disabled"),
        Output("view-label", "children"),
        Output("model-switch", "title"),
        Input("url", "pathname"),
        Input("grid", "data"),
    )
    def switch(pathname: str | None, _grid: int | None) -> tuple[Any, ...]:
        path, grid = pathname or "/", source.snapshot().grid
        page = page_at(pages, path)
        why = page.switch_off if page else ""
        return model_options(grid, both=path == "/"), bool(why), switch_label(grid, page), why

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gridstress", "oneModel"),
        Output("model", "value"),
        Output("view", "value"),
        Input("view", "value"),
        Input("view", "data"),
        Input("url", "search"),
    )


def window_title(page: Page | None, path: str, grid: GridInfo | None) -> str:
    """What a browser's tab is called: the page, or the node that it is about."""
    node = node_of(path)
    name = names_of(grid).get(node, node) if node else page.title if page else "No such page"
    return f"{name} · gridstress"


def _register_beat(app: Dash, source: Poller) -> None:
    @app.callback(
        Output("status-title", "children"),
        Output("status-detail", "children"),
        Output("status", "className"),
        Output("server-news", "data"),
        Output("grid", "data"),
        Output("slide", "data"),
        Output("fresh", "data"),
        Output("beat", "data"),
        Output("audit", "children"),
        Output("audit", "className"),
        Output("audit", "title"),
        Output("replay", "data"),
        Input("tick", "n_intervals"),
        Input("run-chosen", "data"),
        State("at", "data"),
        State("status-detail", "children"),
        State("status", "className"),
        State("server-news", "data"),
        State("grid", "data"),
        State("slide", "data"),
        State("fresh", "data"),
        State("audit", "title"),
        State("replay", "data"),
    )
    def beat(
        ticks: int | None,
        run: str | None,
        at: str | None,
        detail: str | None,
        css: str | None,
        published: list[Any] | None,
        grid: int | None,
        slide: int | None,
        fresh: dict[str, float] | None,
        audited: str | None,
        replay: dict[str, Any] | None,
    ) -> tuple[Any, ...]:
        now = time.time()
        snapshot = source.snapshot(run)
        status = status_of(snapshot, now)
        window, since = int(now // SLIDE_S), freshness(snapshot, now)
        audit = audit_badge(snapshot.run, now)
        at = known_moment(at)
        shown = source.snapshot(run, at)
        if at is not None:
            status = moment_status(status, shown)
        there = shown_replay(snapshot)
        replayed = there and structs.asdict(there)
        news, mark = [shown.version, run, at], grid_mark(shown.grid)
        known = detail == status.detail and css == status_class(status)
        same = bool(fresh and since and fresh["published_at"] == since["published_at"])
        return (
            *((no_update,) * 3 if known else (status.title, status.detail, status_class(status))),
            no_update if news == published else news,
            no_update if mark == grid else mark,
            no_update if window == slide else window,
            no_update if same else since,
            ticks or 0,
            *(
                (no_update,) * 3
                if audited == audit.title
                else (badge_children(audit), audit.css, audit.title)
            ),
            no_update if replayed == replay else replayed,
        )


def status_class(status: Status) -> str:
    """The CSS classes of the status line."""
    return f"status status-{status.kind}"


def freshness(snapshot: Snapshot, now: float) -> dict[str, float] | None:
    """When the oldest shard's values were published and what the time is; None without data."""
    view = next(iter(snapshot.models.values()), None)
    if view is None or not view.state.parts:
        return None
    oldest = min(part.published_at for part in view.state.parts)
    return {"published_at": round(oldest, 1), "now": round(now, 1)}


def describe_run(snapshot: Snapshot) -> tuple[Any, ...]:
    """Run name and its tooltip; text, class and tooltip of its badge; credit; explanation."""
    grid, run = snapshot.grid, snapshot.run
    badge = origin_badge(run)
    data_credit = run.record.credit if run and run.record else ""
    return (
        f"run {run.run}" if run else "no run yet",
        run_title(run),
        badge.text,
        badge.css,
        badge.title,
        " ".join(part for part in (credit_line(grid), data_credit) if part),
        about_panel(grid),
    )


def _nowhere() -> Component:
    return html.Div(
        ["There is no such page. ", dcc.Link("Go to the overview", href="/")], className="help"
    )
