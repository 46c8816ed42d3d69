"""Commands to a replay, and what a replay says of itself; tables in ``docs/messages.md``."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from topology.messages import RESULT_TIMES, Message, Moment, Name, Text

Command = Literal["start", "pause", "resume", "step", "speed", "next-alarm", "stop"]
MAX_ANSWERS = 20


class ReplayCommand(Message, kw_only=True, frozen=True):
    """Who wants what of which replay, and when; ``at`` is wall clock.

    ``speed`` is for ``speed`` and ``start``, as of ``gridstress replay --speed``; ``begin``, an
    event time, is for ``start``.
    """

    id: Name
    replay: Name
    command: Command
    by: Text
    at: Moment
    speed: Annotated[str, Meta(max_length=40)] | None = None
    begin: Moment | None = None

    def __post_init__(self) -> None:
        earliest, latest = RESULT_TIMES
        if self.begin is not None and not earliest <= self.begin <= latest:
            raise ValueError(f"begin {self.begin} is not between {earliest:%Y} and {latest:%Y}")


class Answer(Struct, frozen=True):
    """What became of a command: ``refused`` says why it had no effect; empty if it had one."""

    command: Name
    refused: Text = ""


class ReplayStatus(Message, kw_only=True, frozen=True):
    """How a replay is; ``at`` is wall clock, all other times event time.

    Of ``run``, the last one that it began, ``next`` comes next; None when nothing does. A new run
    may begin from ``begin`` on and before ``end``, or, if ``whole``, only where the data begin.
    ``hurries``: rows go out as fast as results come. ``answers`` are those to the
    last commands, the newest last.
    """

    replay: Name
    state: Literal["running", "paused", "waiting"]
    run: Text
    source: Text
    speed: Text
    hurries: bool
    to_alarm: bool
    next: Moment | None
    begin: Moment
    end: Moment
    whole: bool = False
    at: Moment
    answers: Annotated[list[Answer], Meta(max_length=MAX_ANSWERS)] = msgspec.field(
        default_factory=list
    )
