"""How nodes, alerts, times and parts look in the API's answers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from topology.clock import to_iso
from topology.grid import Node
from topology.models import MODELS
from ui.api.agreement_history import Point
from ui.api.episodes import Episode, Pairing
from ui.api.view_store import ReceivedAlert, RunView

Answer = dict[str, Any]

MAX_ALONE = 100


def iso_or_none(time_s: float | None) -> str | None:
    """Epoch seconds as ISO-8601, nothing as nothing."""
    return None if time_s is None else to_iso(time_s)


def model_shape(name: str) -> Answer:
    """What people are told of a model."""
    model = MODELS[name]
    return {"title": model.title, "explanation": model.explanation}


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
    """Who published what of a run and when, and how far the shard has come with it."""
    return [
        {
            "shard": shard,
            "worker": part.worker,
            "published_at": part.published_at,
            "event_time": iso_or_none(part.event_time_s),
            "watermark": iso_or_none(part.watermark_s),
            "closed_until": iso_or_none(part.closed_until_s),
            "applied": part.applied,
        }
        for shard, part in sorted((view.shards if view else {}).items())
    ]


def episode_shape(episode: Episode, node: Node | None, event_time_s: float | None) -> Answer:
    """All that is known of an episode; an open one lasts until the run's event time."""
    until_s = episode.cleared_s if episode.cleared_s is not None else event_time_s
    return {
        "episode_id": episode.episode_id,
        "model": episode.model,
        "node_id": episode.node_id,
        "name": node.name if node else episode.node_id,
        "zone": node.zone if node else "",
        "level": episode.level,
        "open": episode.cleared_s is None,
        "raised_at": to_iso(episode.raised_s),
        "cleared_at": iso_or_none(episode.cleared_s),
        "duration_s": max(0.0, (until_s or episode.raised_s) - episode.raised_s),
        "peak_risk": episode.peak_risk,
        "steps": episode.steps,
        "sources": msgspec.to_builtins(episode.sources),
        "received_at": episode.received_at,
    }


def point_shape(point: Point, pair: Sequence[str]) -> Answer:
    """One point of the agreement of two models over time."""
    agreed = point.agreement(pair)
    return {
        "window_end": to_iso(point.end_s),
        "top_k_overlap": agreed.top_k_overlap,
        "rank_correlation": agreed.rank_correlation,
        "average_risk": {model: point.average_risk[model] for model in pair},
        "alarms": {model: point.alarms[model] for model in pair},
    }


def pairing_shape(pairing: Pairing, models: Sequence[str]) -> Answer:
    """Say which episodes two models share, which they do not, and who was first."""
    leads = pairing.leads_s
    counts = (len(alone) + len(leads) for alone in pairing.alone)
    only = ([e.episode_id for e in alone[:MAX_ALONE]] for alone in pairing.alone)
    earlier = (sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads))
    return {
        "episodes": {
            "counts": dict(zip(models, counts, strict=True)),
            "both": len(leads),
            "only": dict(zip(models, only, strict=True)),
        },
        "lead": {
            "median_s": pairing.median_lead_s,
            "earlier": dict(zip(models, earlier, strict=True)),
            "same": sum(lead == 0 for lead in leads),
        },
    }
