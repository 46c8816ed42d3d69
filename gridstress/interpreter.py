"""How Python itself is set for a worker: `docs/performance.md` has what each of these brings."""

import gc
import logging
import sys

import mode.loop

COLLECT_EVERY = 20_000
"""Objects more than were freed until Python looks for cycles among the young ones. Its own 700 are
made several times a frame, and there is next to nothing to find."""

SWITCH_S = 0.001
"""How long a thread that computes makes another one wait, s; Python's own 5 ms are what each piece
that comes from the broker would wait for while a frame is worked on."""


def use_fast_loop() -> None:
    """Make asyncio's loops uvloop's, from now on, in all threads."""
    mode.loop.use("uvloop")


def tune_interpreter() -> None:
    """Collect less often, never again among what is there now; let threads take turns sooner."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_S)


def log_as_told() -> None:
    """Let the Kafka client make no log record that nobody is shown.

    Faust, told to show warnings only (its default), sets the root logger to DEBUG, for a spinner
    that each record turns: one record for every request, thrown away.
    """
    shown = logging.root.handlers
    logging.getLogger("aiokafka").setLevel(shown[0].level if shown else logging.NOTSET)
