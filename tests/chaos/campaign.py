"""Many schedules, one after the other; what has been played before is not played again."""

import json
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

from gridstress.local.kafka_jars import KAFKA_VERSION
from tests.chaos.cluster import Cluster
from tests.chaos.judging import Baseline
from tests.chaos.player import keep_evidence, play, undisturbed
from tests.chaos.report import report
from tests.chaos.schedule import Schedule, tally

EXPLAINED = {"3"}
"""Exit codes of workers, but 70, that need no evidence: started while there was no broker."""


@dataclass
class Campaign:
    """Plays schedules and appends a line a schedule to ``out/results.jsonl``.

    Parameters
    ----------
    load
        What to replay: words for ``gridstress replay``.
    fresh_every
        Schedules that one broker serves: its topics grow, and so does the time to read them.
    environment
        Settings of the workers that are not the defaults.
    """

    seed: int
    schedules: Sequence[Schedule]
    load: Sequence[str]
    out: Path
    fresh_every: int = 4
    environment: Mapping[str, str] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @property
    def results(self) -> Path:
        return self.out / "results.jsonl"

    async def run(self) -> bool:
        """Whether nothing was found to differ."""
        self.out.mkdir(parents=True, exist_ok=True)
        played = {record["schedule"] for record in self.records()}
        left = [schedule for schedule in self.schedules if schedule.number not in played]
        self._say(
            f"seed {self.seed}: {len(left)} of {len(self.schedules)} schedules to play, "
            f"{dict(tally(f for s in left for f in s.faults))}; results in {self.results}"
        )
        while left:
            left = left[await self._block(_alike(left[: max(1, self.fresh_every)])) :]
        self._say(report(self.results))
        return all(record["ok"] for record in self.records())

    async def _block(self, schedules: Sequence[Schedule]) -> int:
        """Play some on one broker, up to the first that fails; how many were played."""
        home = self.out / f"cluster-{schedules[0].number}"
        shutil.rmtree(home, ignore_errors=True)
        async with AsyncExitStack() as exit_:
            cluster = await exit_.enter_async_context(
                Cluster(home, dict(self.environment), schedules[0].brokers)
            )
            baseline = await self._baseline(cluster)
            for count, schedule in enumerate(schedules, 1):
                kinds = ", ".join(fault.kind for fault in schedule.faults)
                self._say(
                    f"schedule {schedule.number}: {schedule.workers} workers, "
                    f"{schedule.brokers} brokers, {kinds}"
                )
                record = await play(cluster, schedule, baseline, self.load, self._say)
                self._append(record)
                self._say(self._line(record))
                evidence = self.out / f"evidence-{schedule.number}"
                if not record["ok"] or record["other_ends"].keys() - EXPLAINED:
                    keep_evidence(cluster, record, schedule, evidence)
                if not record["ok"]:
                    self._say(f"  MISMATCH: {record['problems'][:3]}; evidence in {evidence}")
                    return count
        shutil.rmtree(home, ignore_errors=True)
        return len(schedules)

    async def _baseline(self, cluster: Cluster) -> Baseline:
        path = self.out / "undisturbed.json"
        if path.exists():
            return Baseline.load(path)
        baseline = await undisturbed(cluster, self.load, self._say)
        path.write_text(json.dumps(asdict(baseline)), "utf-8")
        return baseline

    def _append(self, record: dict[str, Any]) -> None:
        stamp = {
            "seed": self.seed,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {
                "python": platform.python_version(),
                "faust": version("faust-streaming"),
                "aiokafka": version("aiokafka"),
                "kafka": KAFKA_VERSION,
            },
        }
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(stamp | record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        if not self.results.exists():
            return []
        lines = self.results.read_text("utf-8").splitlines()
        return [r for r in map(json.loads, lines) if r["seed"] == self.seed]

    def _line(self, record: dict[str, Any]) -> str:
        records = self.records()
        failed = sum(not r["ok"] for r in records)
        return (
            f"  {'equal' if record['ok'] else 'NOT EQUAL'}: {record['runs']} runs, "
            f"{record['short_runs']} short ones, "
            f"{record['duplicates']:,} duplicates skipped, {record['self_ends']} self-ends, "
            f"other ends {record['other_ends']}, {record['seconds']:.0f} s; so far "
            f"{len(records)} schedules, {failed} with mismatches"
        )

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.0f} s  {text}", flush=True)  # noqa: T201


def _alike(schedules: Sequence[Schedule]) -> Sequence[Schedule]:
    """Those at the beginning that need as many brokers as the first."""
    brokers = schedules[0].brokers
    return list(takewhile(lambda schedule: schedule.brokers == brokers, schedules))
