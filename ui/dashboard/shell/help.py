"""The help drawer: what the numbers mean, in plain words."""

from dash import html
from dash.development.base_component import Component

from ui.dashboard.style import formatting
from ui.schema.grid import GridInfo, GridSettings

FIELDS = {
    "zone": "zones",
    "share": "shares of the load",
    "rating_mw": "ratings",
    "position": "positions",
}
"""The nodes' fields that can be assumed, in words."""


def about_panel(grid: GridInfo | None) -> list[Component]:
    """What is shown and how it is made, with the worker's own settings."""
    settings = grid.settings if grid else GridSettings()
    size, step = formatting.span(settings.size_s), formatting.span(settings.step_s)
    levels = settings.levels
    return [
        _entry(
            "What is shown",
            "A grid's load is replayed as a live stream. A substation (node) loaded above "
            f"{settings.stress_threshold:.0%} of its rating is stressed, and passes part of its "
            "stress on to its neighbours.",
        ),
        _entry(
            "Risk",
            f"1 − exp(−stress summed over a {size} window that moves on by {step}). A score from "
            "0 to 1 to rank nodes by; not a probability of failure.",
        ),
        _entry(
            "Alarms",
            f"Raised at risk {levels.get('WARNING', 0):.2f} (WARNING), "
            f"{levels.get('HIGH', 0):.2f} (HIGH), {levels.get('CRITICAL', 0):.2f} (CRITICAL), "
            f"cleared below {levels.get('CLEAR', 0):.2f}; decided when a window is final, so a "
            "node's current risk may already be elsewhere.",
        ),
        *(
            _entry(info.title, info.explanation)
            for info in (grid.model_info.values() if grid else ())
        ),
        _entry(
            "How far stress goes",
            f"At most {settings.max_hops} lines, in every model; their decay is "
            f"{settings.decay:g}. Centrality is that by {settings.centrality}, weighed by "
            f"{settings.alpha:g}.",
        ),
        _entry("The grid", credit_line(grid) or "not known yet."),
        *(
            _entry(f"Assumed: {FIELDS.get(name, name)}", f"{words}.")
            for name, words in (grid.assumptions.items() if grid else ())
        ),
    ]


def credit_line(grid: GridInfo | None) -> str:
    """What the grid is good for: its note's first line, what is assumed; and whom it owes."""
    if grid is None:
        return ""
    headline = grid.note.partition("\n")[0]
    fields = ", ".join(FIELDS.get(name, name) for name in grid.assumptions)
    assumed = f"Assumed: {fields}." if fields else ""
    return " ".join(part for part in (headline, assumed, grid.credit) if part)


def _entry(title: str, text: str) -> html.P:
    return html.P([html.Strong(title + ". "), text])
