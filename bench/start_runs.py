"""Start-up, recovery after kills, and `gridstress up`."""

from dataclasses import asdict

from bench.harness import browser
from bench.measures.kills import kills as measured_kills
from bench.measures.startup import help_s, influence_s, starting
from bench.measures.up import Up, bring_up
from bench.paced_runs import sustained_rows_per_s
from bench.results.targets import RECOVERED
from bench.session import Session

LOAD_SHARE = 0.25
"""Share of the sustained rate that goes on while a worker is killed."""
PACE = "a quarter of the sustained rate"
KILLS, EVERY_S = 3, 25.0
"""Kills of a run, and the seconds between two."""
QUICK_KILLS, QUICK_EVERY_S = 1, 10.0


def starts(session: Session) -> None:
    """Start-up and recovery of a worker; the command line; the influence matrices."""
    case = session.base
    source = session.inputs.frames(case.grid, session.rows_of(case.grid))
    runs = []
    for i in range(session.repeat):
        with session.testbed(case, f"start and recovery, {i + 1}") as testbed:
            runs.append(starting(testbed, source))
    session.note_runs("start", runs)
    fine = [asdict(run) for run in runs if run.equal]
    for name, key in (
        ("live, nothing to recover", "empty_s"),
        ("live, full state, after a stop", "full_s"),
        ("live, full state, after a kill", "killed_s"),
        ("nothing left to do, after a kill", "caught_up_s"),
    ):
        session.results.add("start", name, "s", case.to_dict(), [run[key] for run in fine])
    calls = [help_s() for _ in range(session.repeat)]
    session.results.add("start", "gridstress --help", "s", {}, calls)
    for grid in session.grids:
        built = [influence_s(str(session.inputs.grid(grid))) for _ in range(session.repeat)]
        session.results.add("start", "influence matrices built", "s", {"grid": grid}, built)


def kills(session: Session) -> None:
    """Recovery of a worker that is killed under load; every kill is a value."""
    if not (sustained := sustained_rows_per_s(session)):
        return
    case = session.base
    count, every_s = (QUICK_KILLS, QUICK_EVERY_S) if session.quick else (KILLS, EVERY_S)
    runs = []
    for i in range(session.repeat):
        with session.testbed(case, f"{count} kills, {i + 1}") as testbed:
            runs.append(
                measured_kills(testbed, session.inputs, LOAD_SHARE * sustained, count, every_s)
            )
    session.note_runs("kills", runs)
    fine, about = [run for run in runs if run.equal], {**case.to_dict(), "pace": PACE}
    for name, values in (
        ("API live again", [s for run in fine for s in run.live_s]),
        (RECOVERED, [s for run in fine for s in run.recovered_s]),
    ):
        session.results.add("kills", name, "s", about, values)
    session.results.add("kills", "rows sent", "/s", about, [run.rows_per_s for run in fine])


def up(session: Session) -> None:
    """`gridstress up` on the embedded broker, until all is healthy and to the first alarm."""
    if lack := browser.missing():
        session.note(f"The first alarm on screen was left out: {lack}.")
    runs: list[Up] = []
    for i in range(session.repeat):
        session.say(f"gridstress up, {i + 1}")
        with session.directory() as home:
            runs.append(bring_up(home))
    session.results.runs += [{"part": "up", **asdict(run)} for run in runs]
    for name, found in (
        ("all healthy", [run.healthy_s for run in runs]),
        ("first alarm on screen", [run.alarm_s for run in runs if run.alarm_s is not None]),
    ):
        session.results.add("up", name, "s", {"broker": "embedded"}, found)
