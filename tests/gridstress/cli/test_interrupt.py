"""The second signal ends a program that sends, whatever it waits for."""

import signal
import subprocess
import sys

import pytest

from tests.support.commands import CHECKOUT

WAITS_FOR_A_THREAD = """
import asyncio, time
from gridstress.cli.interrupt import stop_event

async def main():
    stop = stop_event()
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.to_thread(time.sleep, 60)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_second_signal_ends_it_while_a_thread_works(number: int, code: int) -> None:
    program = [sys.executable, "-c", WAITS_FOR_A_THREAD]
    with subprocess.Popen(program, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.stdout.readline() == "stopping\n"
            process.send_signal(number)
            assert process.wait(30) == code
        finally:
            process.kill()
