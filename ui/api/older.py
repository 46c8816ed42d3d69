"""What the archive adds to answers about runs that have ended, and of which views keep the end."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ui.api.answers import ApiQueries
from ui.schema.runs import Episodes
from ui.schema.views import Alerts, NodeDetail


def lacking(answers: ApiQueries, answer: Struct) -> str | None:
    """The run of which the archive may have more than this answer, if there is one."""
    if answers.past is None or not isinstance(answer, NodeDetail | Episodes | Alerts):
        return None
    run, store = answer.run or "", answers.store
    views = [view for (_, name), view in store.runs.items() if name == run]
    if not views or not all(view.ended for view in views):
        return None
    few = isinstance(answer, NodeDetail) and store.few_windows(
        answer.model, run, answers.place[answer.node.id][0]
    )
    return run if (few or store.lacks(run)) and answers.past.has(run) else None


def with_older(answer: Struct, older: Struct | None) -> Struct:
    """Add to an answer what the archive's has beside it."""
    if isinstance(answer, NodeDetail) and isinstance(older, NodeDetail):
        windows = _both(older.windows, answer.windows, lambda window: window.window_end)
        return replace(
            answer,
            windows=sorted(windows, key=lambda window: window.window_end),
            alerts=_alerts(older.alerts, answer.alerts),
        )
    if isinstance(answer, Alerts) and isinstance(older, Alerts):
        return replace(answer, alerts=_alerts(older.alerts, answer.alerts))
    if isinstance(answer, Episodes) and isinstance(older, Episodes):
        # Of one that lost its first steps, the archive has more.
        by_steps = sorted((*answer.episodes, *older.episodes), key=lambda e: e.steps)
        found = _both(by_steps, (), lambda episode: episode.episode_id)
        order = sorted(found, key=lambda e: (e.node_id, e.model))
        newest = sorted(order, key=lambda e: e.raised_at, reverse=True)
        return replace(answer, episodes=newest[: max(len(answer.episodes), len(older.episodes))])
    return answer


def _alerts(older: Sequence[Any], newer: Sequence[Any]) -> list[Any]:
    """The newest alerts of both, as many as the longer one has: each has as many as were asked."""
    found = _both(older, newer, lambda alert: alert.alert_id)
    newest = sorted(found, key=lambda alert: alert.received_at, reverse=True)
    return newest[: max(len(older), len(newer))]


def _both(older: Iterable[Any], newer: Iterable[Any], key: Callable[[Any], str]) -> list[Any]:
    """Items of both, each once: the last of a key."""
    return list({key(item): item for item in (*older, *newer)}.values())
