"""Coverage-guided fuzzing: ``python -m tests.fuzz --target NAME|all --runs 100000``.

Each target runs in a process of its own under libFuzzer (atheris), which stops at the first input
that breaks a promise and keeps it in ``--artifacts``; give that file with ``--input`` to see it
again. ``--plain`` needs no atheris: the same changes without the guidance of coverage.
"""

import argparse
import logging
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY_MB = 2048
SECONDS = 20
"""Longest that one input may take."""


def main() -> int:
    """Run what the options say; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", default="all")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--input", type=Path, help="check this one input of the target")
    parser.add_argument("--artifacts", type=Path, default=Path(".gridstress/fuzz"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        # It writes a line for most inputs.
        logging.getLogger("ui.api.view_consumer").setLevel(logging.CRITICAL)
        return _guided(options)
    from tests.fuzz.targets import targets

    known = targets()
    names = list(known) if options.target == "all" else options.target.split(",")
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(known)}")
    if options.input:
        known[names[0]].check(options.input.read_bytes())
        return 0
    return max(_run(name, options) for name in names)


def _run(name: str, options: argparse.Namespace) -> int:
    began = time.monotonic()
    options.artifacts.mkdir(parents=True, exist_ok=True)
    words = ["--child", "--target", name, "--runs", str(options.runs), "--seed", str(options.seed)]
    words += ["--artifacts", str(options.artifacts), *(["--plain"] if options.plain else [])]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    verdict = "ok" if done.returncode == 0 else f"BROKEN (exit {done.returncode})"
    sys.stdout.write(f"{name}: {options.runs} inputs, {took:.0f} s, {verdict}\n")
    if done.returncode:
        sys.stdout.write((done.stdout + done.stderr)[-6000:])
    sys.stdout.flush()
    return int(done.returncode != 0)


def _guided(options: argparse.Namespace) -> int:
    if options.plain:
        from tests.fuzz.targets import targets

        return plain(options.target, targets()[options.target], options)
    import atheris

    # What is imported in here reports which branches an input took.
    ours = ["agents", "tables", "topology", "ui", "gridstress"]
    with atheris.instrument_imports(include=ours):
        from tests.fuzz.targets import targets
    from tests.fuzz.mutate import mutate

    target = targets()[options.target]

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        if seed % 8 == 0:
            return bytes(atheris.Mutate(data, max_size))
        return mutate(data, random.Random(seed), target.seeds)[:max_size]

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(target.seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(data)
        words = [
            sys.argv[0], f"-runs={options.runs}", f"-seed={options.seed}", f"-timeout={SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}", "-max_len=8192", "-print_final_stats=1",
            f"-artifact_prefix={options.artifacts}/{options.target}-", corpus,
        ]  # fmt: skip
        atheris.Setup(words, target.check, custom_mutator=change)
        atheris.Fuzz()
    return 0


def plain(name: str, target, options: argparse.Namespace) -> int:  # type: ignore[no-untyped-def]
    """Check changed seeds one after the other; keep the first that breaks a promise."""
    from tests.fuzz.mutate import mutate

    for number in range(options.runs):
        rng = random.Random(options.seed * 1_000_003 + number)
        data = mutate(rng.choice(target.seeds), rng, target.seeds)
        began = time.monotonic()
        try:
            target.check(data)
            took = time.monotonic() - began
            assert took < SECONDS, f"took {took:.0f} s"
        except BaseException:
            kept = options.artifacts / f"{name}-{number}"
            kept.write_bytes(data)
            sys.stderr.write(f"broken by {kept}\n")
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
