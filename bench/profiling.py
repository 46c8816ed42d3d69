"""``python -m bench profile``: a worker's time by what the code is for."""

from contextlib import AbstractContextManager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.drain import drain
from bench.profile import KINDS, STAGES, fold, spying
from bench.rig import Rig
from bench.session import Session


def profile(session: Session, output: Path) -> int:
    """Profile a worker while it works off a backlog of the base case, and print the shares.

    The collapsed stacks are kept in `output`. Returns 1 if the verifier refused the run.
    """
    case, place = session.base, output.resolve()
    source = session.kitchen.frames(case.grid, session.rows_of(case.grid))

    def spy(rig: Rig) -> AbstractContextManager[None]:
        return spying(rig, place)

    with session.rig(case, "profile") as rig:
        found = drain(rig, source, spy)
    stacks = place.read_text("utf-8").splitlines()
    for title, kinds, leaf_only in (
        ("self time, by code", KINDS, True),
        ("on whose behalf", STAGES, False),
    ):
        table = Table(title, "share of samples", title=str(case))
        for name, share in fold(stacks, kinds, leaf_only=leaf_only).items():
            table.add_row(name, f"{share:.1%}")
        Console().print(table)
    session.say(f"the stacks are in {output}")
    session.note_runs("profile", [found])
    return 0 if found.equal else 1
