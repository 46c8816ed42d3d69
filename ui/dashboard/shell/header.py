"""The header that all pages share: name, navigation, run, model switch, light or dark."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from topology.models import title_of
from ui.dashboard.shell.model_pair import pair_select
from ui.dashboard.shell.page import Page
from ui.dashboard.shell.run_select import run_select
from ui.dashboard.style.grid_facts import models_of
from ui.schema.grid import GridInfo

BOTH = "both"
"""The model switch's choice that shows the models side by side."""
MODEL = "Model"
"""Before the switch."""


def header(pages: Sequence[Page], grid: GridInfo | None) -> html.Header:
    """The header; ``view`` is the model switch, ``pause`` the button, ``scheme`` light or dark.

    The switch holds the models of the grid from the beginning: an address may name one of them.
    """
    return html.Header(
        [
            html.Div(
                [
                    html.H1("gridstress"),
                    html.Span("how stress spreads over the power grid", className="tagline"),
                ],
                className="brand",
            ),
            html.Nav(nav_links(pages, "/"), id="nav", **aria(label="Pages")),
            html.Div(
                [
                    html.Span("no run yet", id="run", className="run"),
                    run_select(),
                    html.Span(id="origin", className="badge hidden"),
                    html.Span(id="audit", className="badge hidden", role="status"),
                ],
                className="run-line",
            ),
            html.Div([_model_switch(grid), _share(), _scheme(), *_about()], className="controls"),
        ]
    )


def nav_links(pages: Sequence[Page], pathname: str) -> list[Component]:
    """One link a page that has one address; the current page is marked for eyes and readers."""
    listed = [page for page in pages if not page.below]
    if len(listed) < 2:
        return []
    return [
        html.Span(
            dcc.Link(page.title, href=page.path, className="nav-link"),
            className="current" if page.answers_for(pathname) else "",
            **aria(current="page" if page.answers_for(pathname) else "false"),
        )
        for page in listed
    ]


def model_options(grid: GridInfo | None, *, both: bool = False) -> list[dict[str, str]]:
    """The choices of the model switch; ``both`` where a page can show them side by side.

    Empty before the grid is known: the address may name a model that is not a default one.
    """
    models = grid.models if grid else ()
    options = [{"value": model, "label": title_of(model)} for model in models]
    if both and len(models) > 1:
        options.append({"value": BOTH, "label": "Side by side"})
    return options


def switch_label(grid: GridInfo | None, page: Page | None) -> str:
    """What stands before the model switch, or in its place where it would do nothing."""
    models = models_of(grid)
    if page is None or not page.switch_off:
        return MODEL
    if len(models) == 1:
        return title_of(models[0])
    if len(models) == 2:
        return "Both models"
    return page.switch_label


def aria(**attributes: str) -> dict[str, Any]:
    """ARIA attributes of a component, by their names without the ``aria-``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def _model_switch(grid: GridInfo | None) -> html.Div:
    first = models_of(grid)[0]
    return html.Div(
        [
            html.Span(MODEL, className="muted", id="view-label"),
            dmc.SegmentedControl(
                id="view",
                data=model_options(grid, both=True),
                value=first if grid else None,
                size="xs",
                color="blue",
                persistence=True,
                persistence_type="session",
                **aria(labelledby="view-label"),
            ),
            # What pages listen to is always one model, whatever the switch shows.
            dcc.Input(id="model", type="hidden", value=first),
            pair_select(grid),
        ],
        id="model-switch",
        className="model-switch",
    )


def _scheme() -> Component:
    toggle: Component = dmc.ColorSchemeToggle(
        id="scheme",
        lightIcon=html.Span("Dark"),
        darkIcon=html.Span("Light"),
        variant="default",
        className="tool-button scheme-button",
        **aria(label="Switch between light and dark"),
    )
    return toggle


def _share() -> html.Button:
    return html.Button(
        "Share",
        id="share",
        className="tool-button",
        type="button",
        title="Copy the address of this view",
    )


def _about() -> tuple[Component, Component]:
    # A drawer, not a popover: that one puts ARIA states on a plain div around its button.
    button = html.Button(
        "What is this?",
        id="about-open",
        className="tool-button",
        type="button",
        **aria(haspopup="dialog"),
    )
    drawer = dmc.Drawer(
        html.Div(id="about", className="about"),
        id="about-drawer",
        title="What is this?",
        position="right",
        size=440,
        keepMounted=True,
        lockScroll=False,
        overlayProps={"backgroundOpacity": 0.25},
        closeButtonProps=aria(label="Close"),
    )
    return button, drawer
