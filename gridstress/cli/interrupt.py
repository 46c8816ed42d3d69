"""Stopping a command that sends: once to stop in order, twice to stop at once."""

import asyncio
import os
import signal
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_event() -> asyncio.Event:
    """Give an event that the first SIGINT or SIGTERM sets; the second ends the program at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, _exit)

    for number in SIGNALS:
        loop.add_signal_handler(number, first)
    return stop


def _exit(number: int, _: object) -> NoReturn:
    """End without waiting for threads, tasks or a broker, as if killed."""
    os._exit(128 + number)
