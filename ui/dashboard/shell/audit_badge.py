"""How far the run shown has been audited, in a few words."""

from dash import html
from dash.development.base_component import Component

from ui.dashboard.shell.origin import HIDDEN, Badge
from ui.dashboard.style import formatting
from ui.schema.runs import Audit, RunInfo

SILENT_S = 60.0
"""After this time without a status, the auditor is not shown: it may have stopped."""


def audit_badge(run: RunInfo | None, now: float) -> Badge:
    """Say what the auditor found; nothing where none is at work. ``now`` in epoch seconds.

    Badges with the same title are the same.
    """
    audit = run.audit if run else None
    if audit is None or now - audit.updated_at > SILENT_S:
        return HIDDEN
    if audit.differences:
        found = formatting.plural(audit.differences, "difference")
        first = audit.first[0] if audit.first else "what, it does not say"
        return Badge(
            found, "badge audit-different", f"{found} found by the auditor; the first: {first}"
        )
    if audit.reason:
        return Badge("not audited", "badge", f"This run is not audited: {audit.reason}")
    until = _until(audit)
    if until is None:
        return Badge("audit begins", "badge", "No window has been verified yet.")
    title = f"Every window and alarm until {formatting.grid_time(until)} (grid time) was recomputed"
    moment = formatting.parse(until)
    text = f"audited until {moment:%H:%M} · 0 differences"
    if audit.state == "behind":
        measured = formatting.grid_time(audit.measured_until)
        return Badge(text, "badge", f"{title}; the results are behind the data until {measured}.")
    return Badge(text, "badge audit-equal", f"{title}; no difference was found.")


def badge_children(badge: Badge) -> list[str | Component]:
    """The badge's text; what follows a dot is left out where the header is narrow."""
    first, dot, more = badge.text.partition(" · ")
    return [first, html.Span(dot + more, className="badge-more")]


def _until(audit: Audit) -> str | None:
    """Up to where all models are verified."""
    until = [model.verified_until for model in audit.models.values()]
    known = [moment for moment in until if moment is not None]
    return min(known) if len(known) == len(until) else None
