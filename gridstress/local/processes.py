"""Local services as detached processes: start, watch, stop, and who holds a port.

A process is known by its id *and* its start, so that an id the system has given to another process
is never signalled.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from gridstress.local import supervise
from gridstress.logs import text_of
from topology.errors import GridstressError

STOP_GRACE_S = 15.0
"""How long a process may take to stop when asked, s: a Faust worker commits and says good-bye."""

_SUPERVISE = (sys.executable, supervise.__file__)
_POLL_S = 0.1
_TAIL_BYTES = 32_768
_SAYS_WHY = re.compile(
    r"error|exception|fatal|critical|refused|in use|cannot|failed", re.IGNORECASE
)
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def captured(command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with nothing to read, and keep what it writes.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer; it has been ended then.
    OSError
        If it cannot be started.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


@dataclass(frozen=True)
class ServiceSpec:
    """A service that can be started, and how to tell that it is healthy.

    Parameters
    ----------
    name
        Short and unique, such as ``worker-1``; also the name of its log file.
    command
        Program and arguments.
    ready
        Asked again and again until it says True; a False costs nothing but time.
    environment
        Added to ours.
    directory
        Where it runs; ours if None.
    may_end
        Whether ending with exit code 0 counts as healthy (a replay that is through).
    optional
        Whether the others go on without it, so that its end is no failure of theirs.
    supervised
        Whether it can be kept running: see `keep`.
    failure
        Error to raise when it does not become healthy; its exit code is the command's.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    may_end: bool = False
    optional: bool = False
    supervised: bool = False
    failure: type[GridstressError] = GridstressError


@dataclass(frozen=True)
class Service:
    """A service that was started; everything needed to find and stop it later.

    ``started`` is the boot of the system and the clock ticks from there to the start, which no step
    of the clock moves. Where it is empty (no Linux, or written by an older gridstress),
    ``create_time`` tells, in epoch seconds.
    """

    name: str
    pid: int
    create_time: float
    log: str
    started: str = ""

    @classmethod
    def of(cls, name: str, pid: int, log: Path) -> "Service":
        """Service that has just been started as this process."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            created = 0.0
        return cls(name, pid, created, str(log), _started(pid))

    def process(self) -> psutil.Process | None:
        """Process itself, or None if it has ended (also if its id now belongs to another)."""
        try:
            process = psutil.Process(self.pid)
            if self.started:
                same = _started(self.pid) == self.started
            else:  # written to JSON and computed anew, the two may differ by a rounding
                same = abs(process.create_time() - self.create_time) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process() is not None


def spawn(spec: ServiceSpec, log_dir: Path) -> Service:
    """Start a service detached from this terminal, its output in ``log_dir/<name>.log``.

    Raises
    ------
    GridstressError
        (or the spec's own kind) If the program cannot be started, or its log not be written.
    """
    log = log_dir / f"{spec.name}.log"
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*(_SUPERVISE if spec.supervised else ()), *spec.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **spec.environment},
                cwd=spec.directory,
                start_new_session=True,
            )
    except OSError as error:
        what = error.filename or spec.command[0]
        raise spec.failure(f"{spec.name} cannot be started: {what}: {error.strerror}") from error
    # It outlives us on purpose; without this Python would complain that it was not waited for.
    process.returncode = 0
    return Service.of(spec.name, process.pid, log)


def wait_until_healthy(
    spec: ServiceSpec,
    service: Service,
    deadline: float,
    others: Sequence[tuple[ServiceSpec, Service]] = (),
) -> GridstressError | None:
    """Wait until a started service is healthy.

    Parameters
    ----------
    deadline
        On `time.monotonic`, s.
    others
        Services that were healthy before and must not end meanwhile: there is no sense in
        waiting for a replay to reach a worker that is gone.

    Returns
    -------
    GridstressError or None
        What would have been raised if the service were not optional.

    Raises
    ------
    GridstressError
        (or the spec's own kind) If it ended or is not healthy in time; names its log and the
        line of it that tells most.
    """
    failure = _wait(spec, service, deadline, others)
    if failure is not None and not spec.optional:
        raise failure
    return failure


def _wait(
    spec: ServiceSpec,
    service: Service,
    deadline: float,
    others: Sequence[tuple[ServiceSpec, Service]],
) -> GridstressError | None:
    started = time.monotonic()
    while True:
        check_alive(others)
        if not service.alive:
            if spec.may_end and _exit_code(service) == 0:
                return None
            return _failure(spec, service, "ended while starting")
        if spec.ready():
            return None
        if time.monotonic() > deadline:
            waited_s = time.monotonic() - started
            return _failure(spec, service, f"was not healthy after {waited_s:.0f} s")
        time.sleep(_POLL_S)


def check_alive(
    started: Sequence[tuple[ServiceSpec, Service]],
) -> list[tuple[ServiceSpec, GridstressError]]:
    """Make sure that services which were healthy still run, or have ended as they may.

    Returns
    -------
    list of (ServiceSpec, GridstressError)
        Each optional one that does not, and how it ended.

    Raises
    ------
    GridstressError
        (or the spec's own kind) For the first other one that does not.
    """
    failures = []
    for spec, service in started:
        if not service.alive and not (spec.may_end and _exit_code(service) in (0, None)):
            failure = _failure(spec, service, "ended after it had been healthy")
            if not spec.optional:
                raise failure
            failures.append((spec, failure))
    return failures


def keep(service: Service) -> None:
    """Have a supervised service started again whenever it ends by itself, from now on."""
    process = service.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGUSR1)


def stop(service: Service, grace_s: float = STOP_GRACE_S) -> str:
    """Stop a service and what it started: first asked, after `grace_s` seconds killed.

    Returns
    -------
    str
        ``stopped``, ``killed``, or ``ended`` if it was gone already.
    """
    family = family_of(service)
    if not family:
        return "ended"
    for one in family:  # a supervisor first: what it supervises is not to be started again
        with suppress(psutil.NoSuchProcess):
            one.terminate()
    _, left = psutil.wait_procs(family, timeout=grace_s)
    for one in left:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left, timeout=STOP_GRACE_S)
    return "killed" if left else "stopped"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port`."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def check_free(port: int, setting: str, host: str = "127.0.0.1") -> None:
    """Make sure that a server could listen on `port`, which `setting` names.

    Raises
    ------
    GridstressError
        Saying who listens there, as far as the system tells.
    """
    if not is_free(port, host):
        who = holder(port)
        by = f" by {who[1]} (pid {who[0]})" if who else ""
        raise GridstressError(
            f"port {port} ({setting}) is taken{by}",
            hint=f"stop that process, or set {setting} to use another port",
        )


def free_port(host: str = "127.0.0.1") -> int:
    """Port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> tuple[int, str] | None:
    """Id and name of the process that listens on `port`, or None where that cannot be seen."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pid = next((c.pid for c in listening if c.laddr and c.laddr.port == port), None)
        return (pid, psutil.Process(pid).name()) if pid else None
    except psutil.Error:
        return None


def error_line(log: Path) -> str:
    """Last line of a log that speaks of a failure, or else its very last; "" if empty."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [text_of(line.strip()) for line in _ANSI.sub("", text).splitlines() if line.strip()]
    errors = [line for line in lines if _SAYS_WHY.search(line)]
    return (errors or lines or [""])[-1][:300]


def _failure(spec: ServiceSpec, service: Service, what: str) -> GridstressError:
    line = error_line(Path(service.log))
    return spec.failure(
        f"{spec.name} {what}: {line or 'its log is empty'}", hint=f"see {service.log}"
    )


def family_of(service: Service) -> list[psutil.Process]:
    """A service's process and what it has started, itself first; also if that has outlived it.

    Its session tells: no other gets its id while a process of it is there.
    """
    leader, found = service.process(), {}
    if leader is None:
        _exit_code(service)  # it may be a zombie of ours
        if psutil.pid_exists(service.pid):
            return []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == service.pid and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process
    if leader is not None:
        found[leader.pid] = leader  # also before it has a session of its own
        with suppress(psutil.NoSuchProcess):
            found |= {child.pid: child for child in leader.children(recursive=True)}
    return sorted(found.values(), key=lambda process: process.pid != service.pid)


def _exit_code(service: Service) -> int | None:
    # Only for children of this process, which is the only place where a spec is waited for.
    try:
        return os.waitstatus_to_exitcode(os.waitpid(service.pid, os.WNOHANG)[1])
    except ChildProcessError:
        return None


def _started(pid: int) -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    # The name of the program, in brackets, may hold anything; field 22 is the start.
    return f"{boot}/{int(stat.rpartition(b')')[2].split()[19])}"
