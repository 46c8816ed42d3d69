"""``python -m tests.chaos``: break a running gridstress on purpose, and count what it costs."""

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from gridstress.local import processes
from gridstress.logs import quiet_client
from tests.chaos import archive, word_count
from tests.chaos.campaign import Campaign
from tests.chaos.report import report
from tests.chaos.schedule import KINDS, MINIMUM, plan
from tests.chaos.worker import Hung
from tests.support import ports

STORIES = {"archive": archive.play, "word-count": word_count.play}
"""What is played beside the schedules."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the schedules; drawn and printed if not given")
    parser.add_argument(
        "--faults", type=faults, metavar="KIND=N,...",
        help=f"how many of each, instead of the full plan: {', '.join(MINIMUM)}",
    )  # fmt: skip
    parser.add_argument(
        "--only",
        choices=[*MINIMUM, *STORIES],
        help="only this kind, as often as planned; archive: that of the runs, word-count: the "
        "example of the corrections",
    )
    parser.add_argument(
        "--schedules", type=span, metavar="K..M", help="only these of the plan, both included"
    )
    parser.add_argument("--load-file", help="a load file; the bundled synthetic year if not given")
    parser.add_argument("--start", help="begin the year here, as `gridstress replay --start`")
    parser.add_argument("--until", help="end it here")
    parser.add_argument(
        "--out", type=Path, help="results and evidence; .gridstress/chaos/seed-N by default"
    )
    parser.add_argument(
        "--fresh-every", type=int, default=4, help="schedules that one broker serves (4)"
    )
    parser.add_argument("--list", action="store_true", help="print the schedules, play nothing")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="print the table of a results.jsonl, play nothing",
    )
    return parser.parse_args()


def faults(text: str) -> Mapping[str, int]:
    counts = {}
    for item in text.split(","):
        kind, _, number = item.partition("=")
        if kind not in (*KINDS, "two") or not number.isdigit():
            raise argparse.ArgumentTypeError(f"{item!r} is not one of {', '.join(MINIMUM)} =N")
        counts[kind] = int(number)
    return counts


def span(text: str) -> range:
    first, _, last = text.partition("..")
    try:
        return range(int(first), int(last or first) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 3..7") from None


def main() -> int:
    processes.free_port = ports.free_port  # of those that no outgoing connection takes
    given = arguments()
    if given.report:
        print(report(given.report))  # noqa: T201
        return 0
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    counts = given.faults or MINIMUM
    if given.only:
        counts = {given.only: counts.get(given.only, 0)}
    schedules = [
        s for s in plan(seed, counts) if not given.schedules or s.number in given.schedules
    ]
    if given.list:
        print(json.dumps([asdict(schedule) for schedule in schedules], indent=1))  # noqa: T201
        return 0
    load = [str(Path(given.load_file).resolve())] if given.load_file else []
    for option in ("start", "until"):
        if value := getattr(given, option):
            load += [f"--{option}", value]
    out = (given.out or Path(".gridstress/chaos") / f"seed-{seed}").resolve()
    stories: list[Callable[[], Awaitable[bool]]] = []
    everything = not (given.only or given.faults or given.schedules)
    stories += [
        partial(play, seed, out / name, print)
        for name, play in STORIES.items()
        if everything or given.only == name
    ]
    if given.only not in STORIES:
        stories.append(Campaign(seed, schedules, load, out, given.fresh_every).run)
    return asyncio.run(_stoppable(stories))


async def _stoppable(stories: Sequence[Callable[[], Awaitable[bool]]]) -> int:
    """Play one after the other, up to the first that fails."""
    task = asyncio.current_task()
    assert task is not None
    running = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, task.cancel)
    # What the broker does is on purpose, and the record tells it.
    quiet_client()
    try:
        for story in stories:
            if not await story():
                return 1
        return 0
    except Hung as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(main())
