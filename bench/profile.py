"""Where the time goes: a profile of the worker by py-spy, folded by what the code is for."""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from bench.rig import Rig
from topology.errors import UsageError

HERTZ = 200
OTHER = "other"

KINDS: Mapping[str, str] = {
    "JSON of messages": r"/topology/messages\.py| (en|de)code \(msgspec|/orjson/",
    "detection": r"/agents/detection\.py",
    "propagation": r"/agents/propagation\.py",
    "risk, alarms": r"/agents/(risk|alarms|silence)\.py|/topology/ranking\.py",
    "windows, state": r"/tables/",
    "NumPy, SciPy": r"/(numpy|scipy)/",
    "table writes, fencing": r"/gridstress/(fenced_table|changelog|epochs)\.py",
    "RocksDB": r"/rocksdict/|/faust/stores/",
    "views, API": r"/ui/|/agents/publisher\.py|/gridstress/(web|web_server|status)\.py|/aiohttp/",
    "batches, sending, acks": r"/agents/|/gridstress/(delivery|faust_app|watchdog)\.py",
    "Faust": r"/faust/|/mode/",
    "aiokafka": r"/aiokafka/|/kafka/",
    "reading and writing sockets": r"_SelectorSocketTransport",
    "event loop": r"/asyncio/|/selectors\.py",
}
"""What a line of code is for, by the path of its file; the first that fits counts."""

STAGES: Mapping[str, str] = {
    "detection": r"/agents/detection\.py|DetectionStage",
    "propagation": r"/agents/propagation\.py|PropagationStage",
    "risk": r"/agents/(risk|alarms|silence)\.py|/tables/|RiskStage",
    "views, API": r"/ui/|/agents/publisher\.py|/gridstress/(web|web_server|status)\.py",
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
def spying(rig: Rig, output: Path) -> Iterator[None]:
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
        *("--rate", str(HERTZ), "--output", str(output), "--pid", str(rig.workers[0].service.pid)),
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
