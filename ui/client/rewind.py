"""A node's detail brought back to an earlier moment, as far as a later answer knows it."""

from msgspec import structs

from ui.client.snapshot import Snapshot
from ui.schema.views import NodeDetail


def node_at(detail: NodeDetail, snapshot: Snapshot) -> NodeDetail:
    """The detail as it was at a snapshot of the same run.

    Risk, stress and level are the snapshot's, windows and alerts those up to its watermark: that
    is exact, for both are decided by event time. Sources and panes cannot be told afterwards:
    ``parts_at`` says of which moment they are, when it is another one.
    """
    view = snapshot.view(detail.model)
    if view is None or detail.node.id not in view.state.nodes:
        return detail
    state = view.state
    place = state.nodes.index(detail.node.id)
    until = state.watermark or ""
    return structs.replace(
        detail,
        event_time=state.event_time,
        risk=state.risk[place],
        stress=state.stress[place],
        level=state.level[place],
        windows=[window for window in detail.windows if window.window_end <= until],
        alerts=[alert for alert in detail.alerts if alert.timestamp <= until],
        parts_at=detail.event_time if detail.event_time != state.event_time else None,
    )
