"""The status line: live, waiting, slow, quiet, ended, gone, or of a moment."""

from dataclasses import dataclass
from typing import Literal

from ui.client.snapshot import Snapshot, standing_still
from ui.dashboard.style import formatting

Kind = Literal["live", "waiting", "starting", "quiet", "ended", "gone", "slow", "moment", "earlier"]

SLOW_S = 6.0
"""Seconds without an answer after which values count as old even if nothing failed yet."""
LATE_S = 2.5
"""Seconds without an answer, or of waiting for one, from which on the API is called slow."""
QUIET_S = 10.0
"""Seconds after which a silent shard is worth a word; workers publish once a second."""


@dataclass(frozen=True, slots=True)
class Status:
    """One line for the top of the page; the values of a worker that is ``gone`` are greyed."""

    kind: Kind
    title: str
    detail: str


def status_of(snapshot: Snapshot, now: float) -> Status:
    """The status at ``now`` (epoch seconds); the worst thing to know comes first."""
    if not snapshot.answered_at:
        return Status("waiting", "Waiting for a worker", _first_failure(snapshot))
    silent_s = now - snapshot.answered_at
    if snapshot.error or silent_s > SLOW_S:
        return Status(
            "gone",
            "Worker gone",
            f"Greyed: the last values, {formatting.age(silent_s)} old. "
            "Asking again every second; this page recovers by itself.",
        )
    health = snapshot.health
    if health and health.status != "ok":
        return Status(
            "starting",
            f"Worker is {health.status}",
            "Values may be incomplete for some seconds.",
        )
    if silent_s > LATE_S or snapshot.took_s > LATE_S:
        return Status(
            "slow",
            "API slow",
            f"The worker takes {formatting.age(max(silent_s, snapshot.took_s))} to answer; "
            "values come later than once a second.",
        )
    if snapshot.run is None:
        return Status(
            "waiting",
            "No data yet",
            "A worker is ready; nothing has been replayed. Start with: gridstress replay",
        )
    if snapshot.missing:
        return Status(
            "earlier",
            "No such run",
            f"The workers do not know the run {snapshot.missing}; shown is the newest, "
            f"{snapshot.run.run}.",
        )
    if snapshot.run.settings_changed:
        return Status("ended", "Run ended by other settings", _changed(snapshot))
    if snapshot.run.archived and (other := _other_grid(snapshot)):
        return Status("earlier", "Run of another grid", other)
    if snapshot.run.archived:
        return Status("earlier", "Archived run", _archived(snapshot))
    if not snapshot.is_newest:
        return Status("earlier", "Earlier run", _earlier(snapshot))
    if snapshot.run.ended:
        return Status("ended", "Run ended", "These are its last values; nothing more will come.")
    if held := _held(snapshot):
        return held
    if behind := _standing_still(snapshot):
        return Status("quiet", "Part of the grid stands still", behind)
    if quiet := _quiet_shards(snapshot, now):
        return Status("quiet", "No new data", quiet)
    replay = snapshot.replay
    if replay is not None and replay.hurries:
        where = "to the next alarm" if replay.to_alarm else "through calm"
        text = f"The replay hurries {where}, as fast as results come."
        return Status("live", "Live", text)
    return Status("live", "Live", f"Answered by {snapshot.worker.split('//')[-1]}")


def moment_status(live: Status, shown: Snapshot) -> Status:
    """What a view of a moment says: which one it is, and how the data are meanwhile.

    If it shows none, as of a run that is not known or before a worker has answered, it says why.
    """
    if shown.at is None or (not shown.models and live.kind in ("gone", "waiting", "starting")):
        return live
    if not shown.models:
        wanted = formatting.grid_time(shown.at)
        text = f"Nothing is kept of {wanted} (grid time); Live jumps to now."
        return Status("moment", "Not kept", text)
    moment = formatting.grid_time(shown.event_time)
    return Status(
        "moment",
        "A moment",
        f"This view stands at {moment} (grid time); Live jumps to now. "
        f"Meanwhile: {live.title.lower()}.",
    )


def _held(snapshot: Snapshot) -> Status | None:
    """What is said of a run whose replay is paused or was stopped: its silence is wanted."""
    replay = snapshot.replay
    if replay is None or replay.state == "running":
        return None
    if replay.state == "paused":
        text = "Nothing is sent until it is resumed, stepped or sped to the next alarm: see below."
        return Status("quiet", "Replay paused", text)
    return Status("quiet", "Replay stopped", "Nothing more of this run is sent; see below.")


def _first_failure(snapshot: Snapshot) -> str:
    if not snapshot.error:
        return "Asking for the first time."
    return f"Asking again every second: {snapshot.error}"


def _changed(snapshot: Snapshot) -> str:
    text = (
        "Other settings were accepted for the workers before this run was complete. What is shown "
        "was computed with the former ones; what came later is not counted."
    )
    return text if snapshot.is_newest else f"{text} The newest run is {snapshot.runs[0].run}."


def _other_grid(snapshot: Snapshot) -> str:
    grid, run = snapshot.grid, snapshot.run
    if grid is None or run is None or run.record is None or run.record.grid == grid.name:
        return ""
    return (
        f"It was made on the grid {run.record.grid}, the workers show {grid.name}: "
        "GRIDSTRESS_TOPOLOGY says which."
    )


def _archived(snapshot: Snapshot) -> str:
    moment = formatting.grid_time(snapshot.event_time)
    text = f"Shown are its last values, at {moment} (grid time), from the archive."
    return text if snapshot.is_newest else f"{text} The newest run is {snapshot.runs[0].run}."


def _earlier(snapshot: Snapshot) -> str:
    run, newest = snapshot.run, snapshot.runs[0]
    if run is None:
        return ""
    left = "it has ended" if run.ended else "it is not the newest"
    return (
        f"Shown is {run.run} at {formatting.grid_time(run.event_time)} (grid time), {left}. "
        f"The newest is {newest.run}: choose it above."
    )


def _standing_still(snapshot: Snapshot) -> str:
    still: dict[int, float] = {}
    for view in snapshot.models.values():
        still |= standing_still(view.state)
    if not still:
        return ""
    shards = ", ".join(str(shard) for shard in sorted(still))
    return (
        f"No news for {formatting.age(max(still.values()))} from shard {shards}: a worker is gone "
        "or busy. Their nodes are faint on the map and keep their last values until another worker "
        "has taken over."
    )


def _quiet_shards(snapshot: Snapshot, now: float) -> str:
    views = list(snapshot.models.values())
    parts = views[0].state.parts if views else []
    quiet = {p.shard: now - p.published_at for p in parts if now - p.published_at > QUIET_S}
    if not quiet:
        return ""
    since = formatting.age(min(quiet.values()))
    if len(quiet) == len(parts):
        return f"Nothing was published for {since}: the replay has stopped or a worker is missing."
    shards = ", ".join(str(shard) for shard in sorted(quiet))
    return f"Shards {shards} are silent for {since}; their nodes keep their last values."
