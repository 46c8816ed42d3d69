"""Replays that follow commands, and the commands."""

from msgspec import Struct

from topology.replay_messages import Command

SILENT_S = 10.0
"""A replay says how it is every two seconds; one that is silent for so long is left out."""


class Replay(Struct, frozen=True, kw_only=True):
    """How a replay is: ``running``, ``paused``, or ``waiting`` for a run to be started.

    Of ``run``, the last one that it began, ``next`` is the event time of what it sends next. A new
    run may begin from ``begin`` on and before ``end``, or, if ``whole``, only where the data begin.
    ``hurries``: rows go out as fast as results come, ``to_alarm``: until an alarm is raised.
    """

    replay: str
    state: str
    run: str
    source: str
    speed: str
    hurries: bool
    to_alarm: bool
    next: str | None
    begin: str
    end: str
    whole: bool = False


class Replays(Struct, frozen=True):
    """The replays that are there, the one that spoke last first."""

    replays: list[Replay]


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """A command to the replay of ``run``, by default the only one there is.

    ``speed`` is for ``speed`` and ``start``: event seconds per second, ``max`` or ``auto``;
    ``begin`` is the event time at which ``start`` begins, by default where the data do.
    """

    command: Command
    run: str | None = None
    speed: str | None = None
    begin: str | None = None
