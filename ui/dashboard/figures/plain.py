"""The common style of the small plots: no frame, faint grid lines, an empty state."""

from typing import Any

from ui.dashboard.style.theme import FAINT, FONT, INK, MUTED

# The style sheet gives texts and grid lines the colours of light and dark.
GRID_LINE = "#e6eaee"
TICKS: dict[str, Any] = {"size": 11, "color": MUTED}


def plain_layout(revision: str, **more: Any) -> dict[str, Any]:
    """A layout without title and ground; zoom is kept while ``revision`` stays the same."""
    return {
        "uirevision": revision,
        "margin": {"l": 44, "r": 12, "t": 8, "b": 36},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "white", "bordercolor": FAINT, "font": {"color": INK}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": INK},
        **more,
    }


def plain_axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis that cannot be dragged, with faint grid lines."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": MUTED}, "standoff": 6},
        "fixedrange": True,
        "gridcolor": GRID_LINE,
        "zeroline": False,
        "tickfont": TICKS,
        **more,
    }
