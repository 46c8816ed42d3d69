"""Python's own settings for a worker; `docs/performance.md` has their effect."""

import asyncio
import gc
import logging
import sys
from typing import Any

import mode.loop
import uvloop

from gridstress.logs import Outages, WrittenOut

TLS_GOODBYE_S = 1.0
"""How long a loop waits for the other side's end of a TLS connection that it closes, s. uvloop's
own 30 s would be spent at the end of every consumer: Kafka does not answer while a fetch waits."""

COLLECT_EVERY = 200_000
"""Objects more than were freed until Python looks for cycles among the young ones. Its own 700 are
made several times a frame, and there is next to nothing to find."""

SWITCH_S = 0.001
"""How long a thread that computes makes another one wait, s; Python's own 5 ms are what each piece
that comes from the broker would wait for while a frame is worked on."""


class _Loop(uvloop.Loop):
    """uvloop's, which does not wait long for the end of a TLS connection."""

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("ssl"):
            kwargs.setdefault("ssl_shutdown_timeout", TLS_GOODBYE_S)
        return await super().create_connection(*args, **kwargs)


class _Policy(uvloop.EventLoopPolicy):  # type: ignore[misc]
    def _loop_factory(self) -> uvloop.Loop:
        return _Loop()


def use_fast_loop() -> None:
    """Make asyncio's loops uvloop's, from now on, in all threads."""
    mode.loop.use("uvloop")
    asyncio.set_event_loop_policy(_Policy())


def tune_interpreter() -> None:
    """Collect less often, never again among what is there now; let threads take turns sooner."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_S)


def silence_client_logs() -> None:
    """Drop log records below the level or that repeat, and escape control characters in ours.

    Faust, set to show warnings only (its default), sets the root logger to DEBUG, for a spinner
    that each record turns: one record for every request, thrown away.
    """
    shown = logging.root.handlers
    logging.getLogger("aiokafka").setLevel(shown[0].level if shown else logging.NOTSET)
    for handler in shown:
        handler.addFilter(Outages())
        handler.addFilter(WrittenOut())
