"""``python -m tests.explore``: property tests with ever new seeds, until stopped or one fails."""

import argparse
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
NOTHING_FAILED, NO_TESTS = 0, 5
"""Exit codes of pytest."""


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m tests.explore",
        description=__doc__,
        epilog="What is not listed here goes to pytest: -k, files, --maxfail.",
    )
    parser.add_argument("--seed", type=int, help="of the first round; drawn if not given")
    parser.add_argument("--minutes", type=float, help="stop after so long; never if not given")
    parser.add_argument("--processes", default="auto", help="that share the tests (auto)")
    return parser.parse_known_args()


def command(seed: int, processes: str, more: list[str]) -> list[str]:
    """One round: every property test, many examples of this seed, as long as each takes."""
    return [
        *(sys.executable, "-m", "pytest", "-m", "(hypothesis or explore) and not kafka"),
        *("--hypothesis-profile", "explore", "--explore-seed", str(seed)),
        *("--timeout", "0", "-n", processes, "--maxfail", "1", "-q", *more),
    ]


def main() -> int:
    """Run round after round; 0 if none has failed when it is stopped or the time is over."""
    given, more = arguments()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    end = None if given.minutes is None else time.monotonic() + 60 * given.minutes
    rounds = 0
    try:
        while end is None or time.monotonic() < end:
            print(f"round {rounds + 1}: seed {seed}", flush=True)  # noqa: T201
            code = one_round(command(seed, given.processes, more), end)
            if code is None:
                break
            if code != NOTHING_FAILED:
                why = "no such test" if code == NO_TESTS else "the example is above"
                print(f"failed with seed {seed}: {why}", flush=True)  # noqa: T201
                return code
            rounds += 1
            seed += 1
    except KeyboardInterrupt:
        pass
    print(f"no failure; whole rounds: {rounds}, last seed {seed}", flush=True)  # noqa: T201
    return 0


def one_round(words: list[str], end: float | None) -> int | None:
    """Exit code of a round; None if the time was over before it ended."""
    with subprocess.Popen(words, cwd=CHECKOUT) as running:
        try:
            return running.wait(None if end is None else max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
            return None


sys.exit(main())
