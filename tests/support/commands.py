"""``python -m ...`` as processes of their own that need not import everything anew.

A fork server imports the worker and the commands once for each process of tests. Each program is a
fork of it: a real process with its own environment, directory, output, signals and exit code, only
1 to 1.6 s of processor time sooner.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from gridstress.local.processes import Service, ServiceSpec

CHECKOUT = Path(__file__).parents[2]
PRELOADED = (
    *("gridstress.cli", "gridstress.replay.replayer", "gridstress.verify.run", "gridstress.worker"),
    *("faust.app", "faust.cli.worker", "faust.livecheck", "httpx", "pandas"),
)


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    given: str | None = None,
    timeout_s: float = 150.0,
    module: str = "gridstress",
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module words`` to its end.

    Parameters
    ----------
    environment
        All of it.
    directory
        Where it runs.
    given
        What it reads from its standard input; nothing if None.

    Raises
    ------
    subprocess.TimeoutExpired
        If it has not ended in time; it is killed.
    """
    with TemporaryDirectory(prefix="command-") as made:
        given_file, out, err = (Path(made) / name for name in ("in", "out", "err"))
        given_file.write_text(given or "")
        process = _fork(module, words, environment, directory, given_file, out, err)
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *words], timeout_s)
        output, errors = (file.read_text(errors="replace") for file in (out, err))
        return subprocess.CompletedProcess([module, *words], process.exitcode, output, errors)


def spawn(spec: ServiceSpec, log_dir: Path) -> Service:
    """Start a service as `processes.spawn` does; its command is ``python -m`` and a module."""
    python, option, module, *words = spec.command
    assert (python, option) == (sys.executable, "-m")
    log = log_dir / f"{spec.name}.log"
    log.unlink(missing_ok=True)
    directory = spec.directory or Path.cwd()
    environment = {**os.environ, **spec.environment}
    process = _fork(module, words, environment, directory, Path(os.devnull), log, log)
    assert process.pid is not None
    return Service.of(spec.name, process.pid, log)


def _fork(
    module: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    given: Path,
    out: Path,
    err: Path,
) -> ForkServerProcess:
    process = _server().Process(
        target=_become,
        args=(module, [*words], dict(environment), directory, (given, out, err)),
    )
    process.start()
    return process


@cache
def _server() -> ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([*PRELOADED])
    # It imports what is in this checkout, whatever is installed.
    with mock.patch.dict(os.environ, PYTHONPATH=str(CHECKOUT)):
        forkserver.ensure_running()
    return server


def _become(
    module: str,
    words: list[str],
    environment: Mapping[str, str],
    directory: Path,
    streams: tuple[Path, Path, Path],
) -> None:
    """Be ``python -m module words``, in a session of its own."""
    os.setsid()
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY
        strip_schema_byte = os.open(path, flags, 0o644)
        os.dup2(strip_schema_byte, number)
        os.close(strip_schema_byte)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = os.fdopen(number, mode, encoding="utf-8", closefd=False, buffering=1)
        stream.buffer.raw.name = f"<{name}>"  # as Python names its own
        setattr(sys, name, stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.argv = [module, *words]
    if module == "faust":  # it replaces itself by an object that runpy cannot look into
        module = "faust.__main__"
    runpy.run_module(module, run_name="__main__", alter_sys=True)
