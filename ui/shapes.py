"""How nodes, alerts, times and parts look in the API's answers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from topology.clock import to_iso
from topology.grid import Node
from ui.store import ReceivedAlert, RunView

Answer = dict[str, Any]


def iso_or_none(time_s: float | None) -> str | None:
    """Epoch seconds as ISO-8601, nothing as nothing."""
    return None if time_s is None else to_iso(time_s)


def node_shape(node: Node) -> Answer:
    """All that is known of a node."""
    return {
        "id": node.id,
        "name": node.name,
        "lat": node.lat,
        "lon": node.lon,
        "zone": node.zone,
        "share": node.share,
        "rating_mw": node.rating_mw,
        "sensitivity": node.sensitivity,
    }


def alert_shapes(items: Sequence[ReceivedAlert]) -> list[Answer]:
    """Alerts as they were sent, with when they were received."""
    return [{**msgspec.to_builtins(item.alert), "received_at": item.received_at} for item in items]


def parts(view: RunView | None) -> list[Answer]:
    """Who published what of a run, and when."""
    return [
        {
            "shard": shard,
            "worker": part.worker,
            "published_at": part.published_at,
            "event_time": iso_or_none(part.event_time_s),
            "watermark": iso_or_none(part.watermark_s),
        }
        for shard, part in sorted((view.shards if view else {}).items())
    ]
