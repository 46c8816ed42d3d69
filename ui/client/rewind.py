"""Bring a node's detail back to an earlier moment, from a later answer."""

from msgspec import structs

from ui.client.snapshot import Snapshot
from ui.schema.views import NodeDetail


class RewoundNode(NodeDetail, frozen=True, kw_only=True):
    """A node at an earlier moment, with panes and sources of a later one: ``parts_at``."""

    parts_at: str | None


def node_at(detail: NodeDetail, snapshot: Snapshot) -> NodeDetail:
    """The detail as it was at a snapshot of the same run.

    Risk, stress and level are the snapshot's, windows and alerts those up to its watermark: that
    is exact, for both are decided by event time. Sources and panes are not known afterwards:
    :func:`parts_at` says of which moment they are.
    """
    view = snapshot.view(detail.model)
    if view is None or detail.node.id not in view.state.nodes:
        return detail
    state = view.state
    place = state.nodes.index(detail.node.id)
    until = state.watermark or ""
    earlier = structs.replace(
        detail,
        event_time=state.event_time,
        risk=state.risk[place],
        stress=state.stress[place],
        level=state.level[place],
        windows=[window for window in detail.windows if window.window_end <= until],
        alerts=[alert for alert in detail.alerts if alert.timestamp <= until],
    )
    if detail.event_time == state.event_time:
        return earlier
    return RewoundNode(**structs.asdict(earlier), parts_at=detail.event_time)


def parts_at(detail: NodeDetail) -> str | None:
    """Event time of panes and sources, where it is later than that of the rest."""
    return detail.parts_at if isinstance(detail, RewoundNode) else None
