"""The archive, killed at random while a year is sent and worked on; judged by ``verify``."""

import asyncio
import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

from bench.harness.brokers import apache_broker
from tests.integration.harness import Stack

KILLS = 20
LIVES_S = (0.4, 6.0)
"""How long an archive lives: some end before they have read anything, some in a flush."""
SPEED = "400000"
RUN = "year"
PATIENCE_S = 180.0
"""Longest wait for the workers, and for the last archive."""


async def play(seed: int, home: Path, say: Callable[[str], None]) -> bool:
    """Whether the archive holds the whole year once."""
    return await asyncio.to_thread(_play, seed, home, say)


def _play(seed: int, home: Path, say: Callable[[str], None]) -> bool:
    rng = random.Random(seed)
    rmtree(home, ignore_errors=True)  # of a story that was interrupted
    home.mkdir(parents=True)
    with (
        apache_broker(directory=home / "broker") as broker,
        Stack(broker.bootstrap, home, hasty=False) as stack,
    ):
        stack.add_worker()
        stack.add_worker()
        replay = stack.start("replay", "--run", RUN, "--speed", SPEED)
        for _ in range(KILLS):
            archive = stack.begin("archive", log=home / "archive.log")
            time.sleep(rng.uniform(*LIVES_S))
            archive.send_signal(signal.SIGKILL)
            archive.wait()
        sent_until = "sent" if replay.alive else "through"
        stack.verify(RUN)  # the workers have got to its end
        judged = _judged(stack, home / "archive.log")
    found = json.loads(judged.stdout or "{}")
    counts = found.get("outcomes", {}).get("linear", {}).get("counts", {})
    size = sum(path.stat().st_size for path in home.rglob("*.parquet"))
    say(
        f"{KILLS} kills, the year was {sent_until} at the last: "
        f"{counts.get('windows found', 0):,} windows and {counts.get('alerts found', 0):,} alerts "
        f"of one model, {size / 1e6:.1f} MB, "
        f"{'equal' if judged.returncode == 0 else judged.stdout + judged.stderr}"
    )
    return judged.returncode == 0


def _judged(stack: Stack, log: Path) -> "subprocess.CompletedProcess[str]":
    """The verdict on the archive once one that is not killed has had time."""
    stack.begin("archive", log=log)
    until = time.monotonic() + PATIENCE_S
    while True:
        judged = stack.command("verify", "--archive", RUN, "--json", timeout_s=PATIENCE_S)
        ended = '"state": "ended"' in judged.stdout
        if (ended and judged.returncode == 0) or time.monotonic() > until:
            return judged
