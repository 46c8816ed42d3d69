"""``python -m bench profile``: a worker's time, by py-spy, folded by what the code is for."""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import which

from rich.console import Console
from rich.table import Table

from bench.harness.test_bed import TestBed
from bench.measures.drain import drain
from bench.session import Session
from topology.errors import UsageError

HERTZ = 200
OTHER = "other"

KINDS: Mapping[str, str] = {
    "records": r"/topology/(codec|columns|messages)\.py| (en|de)code \(msgspec|/orjson/",
    "detection": r"/agents/detection\.py",
    "propagation": r"/agents/propagation\.py",
    "risk, alarms": r"/agents/(risk|risk_stage|alarms|causes|idle_zones|kept_\w+)\.py"
    r"|/topology/ranking\.py",
    "windows, state": r"/tables/",
    "NumPy, SciPy": r"/(numpy|scipy)/",
    "table writes, fencing": r"/faust_fixes/(fenced_table|takeover|fencing)\.py",
    "RocksDB": r"/rocksdict/|/faust/stores/",
    "views, API": r"/ui/|/agents/view_publisher\.py|/runtime/(web|web_server|status)\.py|/aiohttp/",
    "batches, sending, acks": r"/agents/|/gridstress/(faust_fixes|runtime)/",
    "Faust": r"/faust/|/mode/",
    "aiokafka": r"/aiokafka/",
    "reading and writing sockets": r"_SelectorSocketTransport",
    "event loop": r"/asyncio/|/selectors\.py",
}
"""What a line of code is for, by the path of its file; the first that fits counts."""

STAGES: Mapping[str, str] = {
    "detection": r"/agents/detection\.py",
    "propagation": r"/agents/propagation\.py",
    "risk, alarms, table": r"/agents/(risk|risk_stage|alarms|causes|idle_zones|kept_\w+)\.py"
    r"|/tables/",
    "views, API": r"/ui/|/agents/view_publisher\.py|/runtime/(web|web_server|status)\.py",
    "Kafka client": r"/aiokafka/",
    "Faust, event loop": r"/faust/|/mode/|/asyncio/",
}
"""On whose behalf a stack is: of its frames the innermost that fits one of these."""


def fold(stacks: Iterable[str], kinds: Mapping[str, str], *, leaf_only: bool) -> dict[str, float]:
    """Share of the samples by kind, largest first; they sum to 1.

    Parameters
    ----------
    stacks
        Lines as ``py-spy record --format raw`` writes them: frames from the outermost to the
        innermost, separated by ``;``, then a blank and the number of samples.
    kinds
        By name a pattern that is looked for in a frame; the first that fits counts.
    leaf_only
        Judge by the innermost frame alone (self time); otherwise by the innermost that fits.
        What C code of a library does counts for the Python line that called it.
    """
    patterns = {name: re.compile(pattern) for name, pattern in kinds.items()}
    counts: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rstrip().rpartition(" ")
        if not stack:
            continue
        frames = stack.split(";")[::-1][: 1 if leaf_only else None]
        names = (n for frame in frames for n, p in patterns.items() if p.search(frame))
        counts[next(names, OTHER)] += int(count)
    whole = max(1, counts.total())
    return {name: n / whole for name, n in counts.most_common()}


@contextmanager
def spying(testbed: TestBed, output: Path) -> Iterator[None]:
    """Profile the first worker for the length of a ``with`` block.

    Raises
    ------
    UsageError
        If py-spy is not installed or may not look into the process.
    """
    program = which("py-spy")
    if program is None:
        raise UsageError("py-spy is not installed", hint="pip install 'gridstress[bench]'")
    command = [
        *(program, "record", "--format", "raw", "--full-filenames", "--nonblocking"),
        *(
            "--rate",
            str(HERTZ),
            "--output",
            str(output),
            "--pid",
            str(testbed.workers[0].service.pid),
        ),
    ]
    with (output.with_suffix(".log")).open("wb") as log:
        spy = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            # Interrupted, it writes what it has seen.
            spy.send_signal(signal.SIGINT)
            spy.wait(60)
    if not output.exists():
        raise UsageError(
            f"py-spy wrote no profile: {output.with_suffix('.log').read_text().strip()[-300:]}",
            hint="it must be allowed to trace: be root, or set kernel.yama.ptrace_scope=0",
        )


def profile(session: Session, output: Path) -> None:
    """Profile a worker while it works off a backlog of the base case, and print the shares.

    The collapsed stacks are kept in `output`.

    Raises
    ------
    UsageError
        If py-spy is not installed or may not look into the process.
    """
    case, place = session.base, output.resolve()
    source = session.inputs.frames(case.grid, session.rows_of(case.grid))

    def spy(testbed: TestBed) -> AbstractContextManager[None]:
        return spying(testbed, place)

    with session.testbed(case, "profile") as testbed:
        found = drain(testbed, source, spy)
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
