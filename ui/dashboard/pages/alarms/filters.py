"""The alarms page's filters, as the table understands them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from topology.models import short_title_of, title_of
from ui.dashboard.style import formatting
from ui.dashboard.style.grid_facts import models_of
from ui.schema.grid import GridInfo

FILTERS = ("level", "state", "by", "zone", "raised", "node")
"""What can be chosen, as the address names it; ``by`` is the model."""

EVERYTHING = "all"
TIMES = {EVERYTHING: "any time", "86400": "last 24 h", "604800": "last 7 days"}
"""Choices of when an episode was raised: seconds of grid time before the newest, and its name."""


ALL = {"value": EVERYTHING, "label": "All"}
STATES = [ALL, {"value": "open", "label": "Open"}, {"value": "cleared", "label": "Cleared"}]


def model_choices(grid: GridInfo | None) -> list[dict[str, str]]:
    """All models, and each."""
    return [ALL, *({"value": m, "label": short_title_of(m)} for m in models_of(grid))]


@dataclass(frozen=True, slots=True)
class Filters:
    """What is chosen; empty, None or ``all`` filters nothing."""

    levels: Sequence[str] = ()
    state: str | None = EVERYTHING
    model: str | None = EVERYTHING
    zone: str | None = None
    time: str | None = EVERYTHING
    node: str | None = ""


def filter_model(filters: Filters, event_time: str | None) -> dict[str, Any]:
    """AG Grid's filter model; the last hours are counted from ``event_time`` (ISO-8601)."""
    found: dict[str, Any] = {}
    if filters.levels:
        found["level"] = _any_of(filters.levels)
    if _chosen(filters.state):
        found["state"] = _any_of([str(filters.state)])
    if _chosen(filters.model):
        found["model"] = _any_of([title_of(str(filters.model))])
    if _chosen(filters.zone):
        found["zone"] = _any_of([str(filters.zone)])
    if filters.node and filters.node.strip():
        found["name"] = _text("contains", filters.node.strip())
    newest = formatting.parse(event_time)
    if _chosen(filters.time) and newest:
        since = newest.timestamp() - float(str(filters.time))
        found["raised_at"] = {"filterType": "number", "type": "greaterThanOrEqual", "filter": since}
    return found


def _chosen(value: str | None) -> bool:
    return bool(value) and value != EVERYTHING


def _any_of(values: Sequence[str]) -> dict[str, Any]:
    if len(values) == 1:
        return _text("equals", values[0])
    conditions = [_text("equals", value) for value in values]
    return {"filterType": "text", "operator": "OR", "conditions": conditions}


def _text(kind: str, value: str) -> dict[str, Any]:
    return {"filterType": "text", "type": kind, "filter": value}
