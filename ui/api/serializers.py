"""Build the API's answers from the read model."""

from collections.abc import Sequence

from msgspec import convert, to_builtins
from msgspec.structs import replace

from topology.clock import to_iso
from topology.grid import Line, Node
from topology.messages import Floats
from topology.models import MODELS
from ui.api.agreement_history import Point
from ui.api.episodes import Episode, Pairing
from ui.api.view_store import ReceivedAlert, RunView
from ui.schema import runs
from ui.schema.audit import AuditStatus
from ui.schema.grid import GridLine, GridNode, ModelInfo
from ui.schema.views import Alert, Part, SourceShare

MAX_ALONE = 100


def known(values: Floats) -> list[float | None]:
    """Numbers as an answer has them; None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def iso_or_none(time_s: float | None) -> str | None:
    """Epoch seconds as ISO-8601, nothing as nothing."""
    return None if time_s is None else to_iso(time_s)


def model_info(name: str) -> ModelInfo:
    """A model as people see it."""
    return ModelInfo(MODELS[name].title, MODELS[name].explanation)


def grid_node(node: Node) -> GridNode:
    """All that is known of a node, but for its infeed."""
    shown: GridNode = convert(node, GridNode, from_attributes=True)
    return replace(shown, rating_mw=node.known_rating_mw)


def grid_line(line: Line) -> GridLine:
    """A line, but for its reactance."""
    return convert(line, GridLine, from_attributes=True)


def alerts(items: Sequence[ReceivedAlert]) -> list[Alert]:
    """Alerts as they were sent, with when they were received."""
    return [
        convert({**to_builtins(item.alert), "received_at": item.received_at}, Alert)
        for item in items
    ]


def parts(view: RunView | None) -> list[Part]:
    """Who published what of a run and when, and how far the shard has come with it."""
    return [
        Part(
            shard=shard,
            worker=part.worker,
            published_at=part.published_at,
            event_time=iso_or_none(part.event_time_s),
            watermark=iso_or_none(part.watermark_s),
            closed_until=iso_or_none(part.closed_until_s),
            applied=part.applied,
        )
        for shard, part in sorted((view.shards if view else {}).items())
    ]


def audit(updated_at: float, status: AuditStatus) -> runs.Audit:
    """The auditor's status of a run, and its time by the broker's clock."""
    return convert({**to_builtins(status), "updated_at": updated_at}, runs.Audit)


def episode(
    found: Episode, node: Node | None, event_time_s: float | None, peak_risk: float
) -> runs.Episode:
    """All that is known of an episode; an open one lasts until the run's event time.

    ``peak_risk`` is that of the shards' state, 0 if they have none.
    """
    until_s = found.cleared_s if found.cleared_s is not None else event_time_s
    return runs.Episode(
        episode_id=found.episode_id,
        model=found.model,
        node_id=found.node_id,
        name=node.name if node else found.node_id,
        zone=node.zone if node else "",
        level=found.level,
        open=found.cleared_s is None,
        raised_at=to_iso(found.raised_s),
        cleared_at=iso_or_none(found.cleared_s),
        duration_s=max(0.0, (until_s or found.raised_s) - found.raised_s),
        peak_risk=max(found.peak_risk, peak_risk),
        steps=found.steps,
        sources=[SourceShare(source.node_id, source.share) for source in found.sources],
        received_at=found.received_at,
    )


def history_point(point: Point, pair: Sequence[str]) -> runs.HistoryPoint:
    """One point of the agreement of two models over time."""
    agreed = point.agreement(pair)
    return runs.HistoryPoint(
        window_end=to_iso(point.end_s),
        top_k_overlap=agreed.top_k_overlap,
        rank_correlation=agreed.rank_correlation,
        average_risk={model: point.average_risk[model] for model in pair},
        alarms={model: point.alarms[model] for model in pair},
    )


def episode_pairs(pairing: Pairing, models: Sequence[str]) -> runs.EpisodePairs:
    """Say which episodes two models share and which they do not."""
    both = len(pairing.leads_s)
    counts = (len(alone) + both for alone in pairing.alone)
    only = ([e.episode_id for e in alone[:MAX_ALONE]] for alone in pairing.alone)
    return runs.EpisodePairs(
        counts=dict(zip(models, counts, strict=True)),
        both=both,
        only=dict(zip(models, only, strict=True)),
        since=iso_or_none(pairing.since_s),
    )


def lead(pairing: Pairing, models: Sequence[str]) -> runs.Lead:
    """Say which of two models raised the episodes that they share first."""
    leads = pairing.leads_s
    earlier = (sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads))
    return runs.Lead(
        median_s=pairing.median_lead_s,
        earlier=dict(zip(models, earlier, strict=True)),
        same=sum(lead == 0 for lead in leads),
    )
