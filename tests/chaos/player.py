"""Play one schedule: send a year, break things while it is worked off, and judge what came out."""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.acts import strike
from tests.chaos.acts.scene import Facts, Scene
from tests.chaos.cluster import Cluster
from tests.chaos.judging import Baseline, Verdict, judge, judge_remains, rows_of
from tests.chaos.progress import Progress
from tests.chaos.schedule import Fault, Schedule
from tests.chaos.sending import FULL_SPEED, Ends, Sending
from tests.chaos.worker import ASKED_TO_BE_RESTARTED, Hung, totals
from topology.clock import from_iso

STALL_S = 240.0
"""Recovery that takes longer than this without any progress counts as hung."""

STRIKES = 3
"""How often a fault is struck until it has found something to measure."""

PACED_S = 240.0
"""How long a run is sent on which a fault is struck again: it goes on while shards move."""

PACED_SHARE = 0.02
"""How much of it is worked off before."""

DONE = 0.97
PERIOD_S = 3600
"""Of the rows that `gridstress replay` sends by default; the last is so much before the end."""

Say = Callable[[str], None]


async def undisturbed(cluster: Cluster, load: Sequence[str], say: Say) -> Baseline:
    """Run the load once on two workers, with nothing broken.

    Raises
    ------
    Hung
        If even that does not verify.
    """
    await cluster.resize(2)
    ends = Ends(cluster.bootstrap)
    try:
        before, began = await ends.count(), time.monotonic()
        process = await cluster.command(
            *("replay", *load, "--run", "undisturbed", "--speed", "max", "--json"),
            log=cluster.home / "replay-undisturbed.log",
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise Hung("the undisturbed run could not be sent; see replay-undisturbed.log")
        summary = json.loads(out)
        messages = await ends.count() - before
    finally:
        await ends.close()
    verdict = await judge(cluster, "undisturbed")
    if verdict.problems:
        raise Hung(f"the undisturbed run is not sound: {verdict.problems[:3]}")
    seconds = time.monotonic() - began
    say(f"undisturbed: {messages:,} messages, verified after {seconds:.0f} s")
    return Baseline(
        verdict.episodes,
        rows_of(verdict.report),
        messages,
        summary["start"],
        summary["end"],
        seconds,
    )


async def play(
    cluster: Cluster, schedule: Schedule, baseline: Baseline, load: Sequence[str], say: Say
) -> dict[str, Any]:
    """Play a schedule and judge every run it took; the record of it, JSON-ready."""
    began = time.monotonic()
    ends_before = _ends(cluster)
    counted_before = totals(cluster.workers)
    stage = _Stage(cluster, baseline, load, f"s{schedule.number}-{int(time.time())}", say)
    problems: list[str] = []
    try:
        await cluster.resize(schedule.workers)
        async with stage:
            for fault in schedule.faults:
                await stage.strike(fault)
            await stage.finish()
    except Hung as error:
        problems.append(f"hung: {error}")
    await stage.judge()
    problems += findings(stage.done)
    problems += [f"{v.run}: {problem}" for v in stage.verdicts for problem in v.problems]
    counted = totals(cluster.workers) - counted_before
    ends = _ends(cluster) - ends_before
    return {
        "schedule": schedule.number,
        "ok": not problems,
        "workers": schedule.workers,
        "faults": stage.done,
        "brokers": schedule.brokers,
        "runs": len(stage.runs),
        "short_runs": len(stage.verdicts) - len(stage.runs),
        "resumed": sum(sending.resumed for sending in stage.sendings),
        "frames": counted["frames"],
        "reprocessed": max(0, counted["detection"] - stage.sent),
        "duplicates": counted["duplicates"],
        "dead_letters": counted["dead_letters"],
        "self_ends": ends.pop(ASKED_TO_BE_RESTARTED, 0),
        "other_ends": {str(code): count for code, count in ends.items()},
        "seconds": round(time.monotonic() - began, 1),
        "problems": problems[:50],
        "verdicts": [{"run": v.run, "report": v.report} for v in stage.verdicts if v.problems],
    }


def keep_evidence(cluster: Cluster, record: dict[str, Any], schedule: Schedule, to: Path) -> None:
    """Copy what explains a mismatch: the record, the schedule, and every log."""
    to.mkdir(parents=True, exist_ok=True)
    (to / "schedule.json").write_text(json.dumps(schedule.to_dict(), indent=1), "utf-8")
    (to / "record.json").write_text(json.dumps(record, indent=1), "utf-8")
    for file in [*cluster.home.glob("*.log"), *cluster.home.glob("*.episodes.json")]:
        shutil.copy2(file, to / file.name)


class _Stage:
    """The runs of a schedule: another one begins when one is worked off before all was broken.

    Attributes
    ----------
    runs
        Runs of the load.
    done
        What each fault did.
    verdicts
        What was judged so far, in order.
    sent
        How many messages have come into ``grid_measurements``.
    """

    def __init__(
        self, cluster: Cluster, baseline: Baseline, load: Sequence[str], name: str, say: Say
    ) -> None:
        self.runs: list[str] = []
        self.sendings: list[Sending] = []
        self.done: list[Facts] = []
        self.verdicts: list[Verdict] = []
        self.sent = 0
        self._short_runs: list[str] = []
        self._remains: dict[str, Path] = {}
        self._cluster, self._baseline, self._load, self._name = cluster, baseline, load, name
        self._say = say
        self._progress = Progress(cluster)
        self._ends = Ends(cluster.bootstrap)
        self._messages_first = self._messages_before = 0

    async def __aenter__(self) -> None:
        await self._progress.__aenter__()
        self._messages_first = await self._ends.count()
        await self._begin()

    async def __aexit__(self, *error: object) -> None:
        for worker in self._cluster.workers:
            worker.ways.mend()
        for sending in self.sendings:
            sending.task.cancel()
        await asyncio.gather(*(s.task for s in self.sendings), return_exceptions=True)
        await self._ends.close()
        await self._progress.__aexit__()

    async def strike(self, fault: Fault) -> None:
        """Wait for the fault's moment, let it happen, and note what it did.

        It may find nothing: a kill has no recovery to measure if the run is worked off before
        another worker is seen to go on with it, and a replayer that has sent all cannot be killed.
        Then the fault is struck again, on a run that is still being sent.
        """
        await self._moment_of(fault)
        facts, share, again = await until_measured(
            lambda: self._struck(fault), lambda: self._again(fault)
        )
        self.sendings[-1].hurry()
        done = {"fault": fault.kind, "share": round(share, 3), "acts": facts}
        self.done.append(done | ({"struck_again": again} if again else {}))

    async def _again(self, fault: Fault) -> None:
        self._say(f"  {fault.kind} found nothing to measure and is struck again")
        await self._pace()

    async def _pace(self) -> None:
        """Begin a run that is being sent for longer than a fault lasts."""
        start_s, end_s = from_iso(self._baseline.start), from_iso(self._baseline.end)
        await self._begin(f"{(end_s - start_s) / PACED_S:.0f}")
        await self._cluster.settle()
        await self._worked_off(PACED_SHARE)

    async def _moment_of(self, fault: Fault) -> None:
        if fault.parting:
            await self.finish()
            await self.judge()
        if fault.paced:
            await self._pace()
        elif fault.sending:
            at = next(act.at for act in fault.acts if act.kind == "replayer_kill")
            await self._sent(at)
        else:
            if fault.settled:
                await self._cluster.settle()
            await self._worked_off(fault.after)

    async def _struck(self, fault: Fault) -> tuple[list[Facts], float]:
        """What the acts did, and the share of the run that was worked off before."""
        share = self._progress.share()
        began = time.monotonic()
        scene = Scene(self._cluster, self._progress, self.sendings[-1])
        facts = await _all(strike(scene, act) for act in fault.acts)
        self._short_runs += scene.short_runs
        self._remains |= scene.remains
        deeds = " + ".join(f"{f['kind']} {f['how']}".strip() for f in facts)
        self._say(
            f"  {deeds} at {share:.0%} of run {len(self.runs)}, {time.monotonic() - began:.1f} s"
        )
        return facts, share

    async def finish(self) -> None:
        """Wait until everything is sent, and all workers are well."""
        try:
            await asyncio.wait_for(asyncio.gather(*(s.task for s in self.sendings)), STALL_S * 2)
        except TimeoutError:
            raise Hung(f"the last run has not been sent within {STALL_S * 2:.0f} s") from None
        await self._cluster.settle()
        self.sent = await self._ends.count() - self._messages_first

    async def judge(self) -> None:
        """Judge what has not been judged; a short run has no undisturbed one beside it."""
        judged = {verdict.run for verdict in self.verdicts}
        for run in (*self.runs, *self._short_runs):
            if run not in judged:
                self.verdicts.append(await self._verdict(run))

    async def _verdict(self, run: str) -> Verdict:
        if remains := self._remains.get(run):
            return await judge_remains(self._cluster, run, remains)
        return await judge(self._cluster, run, self._baseline if run in self.runs else None)

    async def _begin(self, speed: str = FULL_SPEED) -> None:
        for sending in self.sendings:
            await sending.task
        self._messages_before = await self._ends.count()
        run = f"{self._name}-{len(self.runs) + 1}"
        self.runs.append(run)
        start_s, end_s = from_iso(self._baseline.start), from_iso(self._baseline.end)
        self._progress.follow(run, start_s, end_s - PERIOD_S)
        self.sendings.append(Sending(self._cluster, run, self._load, speed))

    async def _sent(self, share: float) -> None:
        due = self._messages_before + share * self._baseline.messages
        deadline = time.monotonic() + STALL_S
        while await self._ends.count() < due:
            if time.monotonic() > deadline:
                raise Hung(f"{share:.0%} of the run have not been sent")
            await asyncio.sleep(0.02)

    async def _worked_off(self, share: float) -> None:
        """Wait until so much more of a year is worked off; the last bit of a run does not count."""
        before, newest, left = self._progress.share(), 0.0, share
        deadline = time.monotonic() + STALL_S
        while (at := self._progress.share()) < before + left:
            if at >= DONE:
                left -= max(0.0, at - before)
                await self._begin()
                before = newest = 0.0
                left = max(left, 0.02)
                deadline = time.monotonic() + STALL_S
            elif at > newest:
                newest, deadline = at, time.monotonic() + STALL_S
            elif time.monotonic() > deadline:
                raise Hung(
                    f"no progress for {STALL_S:.0f} s at {at:.1%}: {self._cluster.standing()}"
                )
            await asyncio.sleep(0.1)


def findings(done: Iterable[Facts]) -> list[str]:
    """What faults did that should not be possible, whatever is verified afterwards."""
    return [
        f"{act['kind']}: {act['finding']}"
        for fault in done
        for act in fault["acts"]
        if "finding" in act
    ]


def found_something(act: Facts) -> bool:
    """Whether an act has shown what it was done for."""
    if act["kind"] == "kill":
        return "recovery_s" in act
    return act["kind"] not in ("replayer_kill", "crash_loop") or bool(act["was_sending"])


async def until_measured(
    struck: Callable[[], Awaitable[tuple[list[Facts], float]]],
    pace: Callable[[], Awaitable[None]],
) -> tuple[list[Facts], float, int]:
    """Strike until every act has found something.

    Parameters
    ----------
    struck
        Strikes once.
    pace
        Sees to it that there is something to be found at the next strike.

    Returns
    -------
    tuple
        What the last strike has returned, and how many there were before it.

    Raises
    ------
    Hung
        If one has found nothing in `STRIKES` strikes: it has neither been survived nor not.
    """
    for again in range(STRIKES):
        if again:
            await pace()
        facts, share = await struck()
        if all(map(found_something, facts)):
            return facts, share, again
    raise Hung(f"{STRIKES} strikes have found nothing to measure")


async def _all(acts: Iterable[Coroutine[Any, Any, Facts]]) -> list[Facts]:
    """Facts of acts that happen at once; if one fails the others are given up."""
    tasks = [asyncio.create_task(act) for act in acts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ends(cluster: Cluster) -> Counter[int]:
    return sum((worker.ends for worker in cluster.workers), start=Counter[int]())
