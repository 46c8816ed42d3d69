"""Whether a run is what it should be: `gridstress verify`, and the undisturbed run beside it."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.cluster import Cluster

VERIFY_S = 900
PATIENCE_S = "90"


@dataclass(frozen=True)
class Baseline:
    """What an undisturbed run of the same load gave.

    ``measured`` counts its measurements as `gridstress verify` does, ``messages`` is how many
    there are in the topic; ``start`` and ``end`` bound its event time.
    """

    episodes: str
    measured: dict[str, int]
    messages: int
    start: str
    end: str
    seconds: float

    @classmethod
    def load(cls, path: Path) -> "Baseline":
        return cls(**json.loads(path.read_text("utf-8")))


@dataclass
class Verdict:
    """What is wrong with a run: nothing, if ``problems`` is empty."""

    run: str
    problems: list[str]
    report: dict[str, Any] = field(default_factory=dict)
    episodes: str = ""


async def judge(
    cluster: Cluster, run: str, baseline: Baseline | None = None, remains: Path | None = None
) -> Verdict:
    """Let `gridstress verify` find what is wrong with a run, and compare with the undisturbed.

    ``remains`` is a file with the frames that count, if it is not those that the topic holds.
    """
    alive = next((worker for worker in cluster.workers if worker.ok), None)
    if alive is None:
        return Verdict(run, ["no worker is well, so nothing can be verified"])
    episodes, log = cluster.home / f"{run}.episodes.json", cluster.home / f"verify-{run}.log"
    process = await cluster.command(
        *("verify", "--run", run, "--api", alive.url, "--wait", PATIENCE_S),
        *("--episodes", str(episodes), "--json"),
        *(("--frames", str(remains)) if remains else ()),
        log=log,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), VERIFY_S)
    except TimeoutError:
        return Verdict(run, [f"verify did not end within {VERIFY_S} s"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if not out.strip():
        return Verdict(run, [f"verify ended with {process.returncode}: {_tail(log)}"])
    report = json.loads(out)
    reported = episodes.read_text("utf-8") if episodes.exists() else ""
    problems = [
        f"{name}: {text}"
        for name, outcome in report["outcomes"].items()
        for text in outcome["problems"]
    ]
    if process.returncode and not problems:
        problems.append(f"verify ended with {process.returncode}: {_tail(log)}")
    if baseline is not None:
        if reported != baseline.episodes:
            problems.append("the episodes are not those of the undisturbed run")
        measured = rows_of(report)
        if measured != baseline.measured:
            problems.append(f"measurements: {measured}, undisturbed {baseline.measured}")
    return Verdict(run, problems, report, reported)


async def judge_remains(cluster: Cluster, run: str, remains: Path) -> Verdict:
    """Judge a run of which the broker has deleted records: equal but for them, and they named."""
    verdict, whole = await judge(cluster, run, remains=remains), await judge(cluster, run)
    if not whole.problems:
        verdict.problems.append("verify finds the run equal although records of it were lost")
    notes = whole.report.get("outcomes", {}).get("measurements", {}).get("notes", [])
    if not any("a dead letter says lost" in note for note in notes):
        verdict.problems.append("verify does not name what was lost")
    return verdict


def rows_of(report: dict[str, Any]) -> dict[str, int]:
    """What a report of `gridstress verify` counts of the run's own rows, by name.

    Records that are none of its rows may lie in the topic besides.
    """
    counts: dict[str, int] = report["outcomes"]["measurements"]["counts"]
    return {name: count for name, count in counts.items() if name.startswith("rows ")}


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError, IndexError):
        return log.read_text("utf-8", errors="replace").strip().splitlines()[-1][:300]
    return "no word"
