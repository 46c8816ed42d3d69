import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from bench.harness.brokers import running
from gridstress.local import processes
from gridstress.local.processes import Service, ServiceSpec
from topology.errors import BrokerError, GridstressError

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\n"
    "time.sleep(600)"
)


def spec(code: str, **changes: object) -> ServiceSpec:
    base = ServiceSpec("part", [sys.executable, "-c", code], ready=lambda: True)
    return dataclasses.replace(base, **changes)


def wait_for(condition, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.02)


def test_a_service_runs_in_a_session_of_its_own_and_stops_when_asked(tmp_path: Path) -> None:
    service = processes.spawn(spec(SLEEP), tmp_path)
    try:
        assert service.alive
        assert os.getsid(service.pid) == service.pid
    finally:
        assert processes.stop(service) == "stopped"
    assert not service.alive
    assert processes.stop(service) == "ended"


def test_a_service_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    service = processes.spawn(spec(STUBBORN), tmp_path)
    wait_for(lambda: log.exists() and "deaf" in log.read_text())
    assert processes.stop(service, grace_s=0.3) == "killed"
    assert not psutil.pid_exists(service.pid)


def test_what_a_service_has_started_is_stopped_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    log = tmp_path / "part.log"
    service = processes.spawn(spec(code), tmp_path)
    wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    child = int(log.read_text())
    assert psutil.pid_exists(child)
    processes.stop(service)
    wait_for(lambda: not psutil.pid_exists(child))


def supervised(code: str, directory: Path, *, keep: bool = True) -> tuple[Service, Path]:
    """A supervised service that has written its first line, and its log."""
    log = directory / "part.log"
    service = processes.spawn(spec(code, supervised=True), directory)
    wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    if keep:
        processes.keep(service)
    return service, log


PID_THEN_SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_what_ends_by_itself_is_started_again_until_it_is_stopped(tmp_path: Path) -> None:
    service, log = supervised(PID_THEN_SLEEP, tmp_path)
    try:
        first = int(log.read_text())
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(log.read_text().splitlines()) == 3)
        _, reported, second = log.read_text().splitlines()
        assert reported == "ended with -9; it is started again in 1 s"
        assert service.alive
        assert int(second) != first
    finally:
        assert processes.stop(service) == "stopped"
    assert not psutil.pid_exists(int(second))


def test_what_is_not_to_be_kept_yet_ends_with_its_code(tmp_path: Path) -> None:
    service, _ = supervised("print('here'); raise SystemExit(3)", tmp_path, keep=False)
    wait_for(lambda: not service.alive)
    assert processes.stop(service) == "ended"


def test_what_a_killed_supervisor_has_left_is_stopped(tmp_path: Path) -> None:
    service, log = supervised(PID_THEN_SLEEP, tmp_path)
    left = int(log.read_text())
    os.kill(service.pid, signal.SIGKILL)
    wait_for(lambda: not service.alive)
    assert psutil.pid_exists(left)
    assert processes.stop(service) == "stopped"
    assert not psutil.pid_exists(left)


def test_pauses_grow_as_long_as_it_ends_at_once(tmp_path: Path) -> None:
    code = (
        "import signal, sys\n"
        "from gridstress.local.supervise import Supervisor\n"
        "one = Supervisor([sys.executable, '-c', ''], [0.01, 0.02, 0.03])\n"
        "one._keeps.set()\n"
        "one.run()"
    )
    here = {"PYTHONPATH": str(Path(__file__).parents[3])}
    service = processes.spawn(spec(code, environment=here), tmp_path)
    log = tmp_path / "part.log"
    try:
        wait_for(lambda: log.exists() and len(log.read_text().splitlines()) >= 4)
    finally:
        processes.stop(service)
    pauses = [line.split()[-2] for line in log.read_text().splitlines()]
    assert pauses[:4] == ["0.01", "0.02", "0.03", "0.03"]


@pytest.mark.parametrize("started", ["", "another-boot/42"])
def test_a_process_that_got_the_id_of_an_old_service_is_left_alone(
    tmp_path: Path, started: str
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP])
    try:
        created = psutil.Process(stranger.pid).create_time()
        log = str(tmp_path / "part.log")
        old = Service("part", stranger.pid, created - 3600, log, started)
        assert not old.alive
        assert processes.stop(old) == "ended"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_service_in_a_state_file_without_its_start_is_known_by_its_time(tmp_path: Path) -> None:
    service = processes.spawn(spec(SLEEP), tmp_path)
    older = {name: value for name, value in asdict(service).items() if name != "started"}
    assert processes.stop(Service(**older)) == "stopped"
    assert not service.alive


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no clock moves what psutil tells")
def test_a_service_is_known_after_a_step_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = processes.spawn(spec(SLEEP), tmp_path)
    created = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 3600)
    try:
        assert service.alive
    finally:
        assert processes.stop(service) == "stopped"
    assert not psutil.pid_exists(service.pid)


def test_waiting_ends_as_soon_as_the_service_is_healthy(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    code = f"import time; open({str(flag)!r}, 'w').close(); time.sleep(600)"
    wanted = spec(code, ready=flag.exists)
    with running(wanted, tmp_path, timeout_s=60) as service:
        assert flag.exists()
        assert service.alive
    assert not service.alive


def test_a_service_that_ends_while_starting_is_reported_with_the_error_line_of_its_log(
    tmp_path: Path,
) -> None:
    code = "import sys; print('ERROR port in use'); print('bye'); sys.exit(3)"
    wanted = spec(code, ready=lambda: False, failure=BrokerError)
    with (
        pytest.raises(BrokerError, match=r"part ended while starting: ERROR port in use") as caught,
        running(wanted, tmp_path, timeout_s=60),
    ):
        pass
    assert str(tmp_path / "part.log") in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_service_that_is_never_healthy_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    service = processes.spawn(spec(SLEEP), tmp_path)
    wanted = spec(SLEEP, ready=lambda: False)
    try:
        with pytest.raises(GridstressError, match=r"was not healthy after \d s: its log is empty"):
            processes.wait_until_healthy(wanted, service, time.monotonic() + 0.3)
    finally:
        processes.stop(service)


@pytest.mark.parametrize(("code", "healthy"), [("pass", True), ("raise SystemExit(1)", False)])
def test_a_service_that_may_end_is_healthy_only_if_it_ends_well(
    tmp_path: Path, code: str, healthy: bool
) -> None:
    wanted = spec(code, ready=lambda: False, may_end=True)
    service = processes.spawn(wanted, tmp_path)
    if healthy:
        processes.wait_until_healthy(wanted, service, time.monotonic() + 60)
    else:
        with pytest.raises(GridstressError, match="ended while starting"):
            processes.wait_until_healthy(wanted, service, time.monotonic() + 60)


def test_a_program_that_does_not_exist_is_one_clear_line(tmp_path: Path) -> None:
    wanted = ServiceSpec("part", ["/no/such/program"], ready=lambda: True)
    with pytest.raises(GridstressError, match=r"part cannot be started: /no/such/program: No such"):
        processes.spawn(wanted, tmp_path)


def test_a_port_is_free_until_somebody_listens_and_the_holder_is_named() -> None:
    port = processes.free_port()
    assert processes.is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not processes.is_free(port)
        held = processes.holder(port)
        assert held is None or held[0] == os.getpid()
    assert processes.is_free(port)


def test_the_error_line_is_the_last_failure_without_colours(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("start\n\x1b[31mValueError: no\x1b[0m\nshutting down\n\n")
    assert processes.error_line(log) == "ValueError: no"
    log.write_text("one\ntwo\n")
    assert processes.error_line(log) == "two"
    assert processes.error_line(tmp_path / "none.log") == ""


def test_neither_a_full_disk_nor_a_start_that_fails_ends_a_supervisor(tmp_path: Path) -> None:
    program, pids = tmp_path / "program", tmp_path / "pids"
    script = f"#!/bin/sh\necho $$ >>{pids}\nexec sleep 600\n"
    program.write_text(script)
    program.chmod(0o755)
    code = (
        "import sys\n"
        "from gridstress.local.supervise import Supervisor\n"
        "sys.stdout = open('/dev/full', 'w')\n"
        f"one = Supervisor([{str(program)!r}], [0.01])\n"
        "one._keeps.set()\n"
        "one.run()"
    )
    here = {"PYTHONPATH": str(Path(__file__).parents[3])}
    service = processes.spawn(spec(code, environment=here), tmp_path)
    try:
        wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"))
        first = int(pids.read_text())
        program.rename(tmp_path / "elsewhere")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: not psutil.pid_exists(first))
        (tmp_path / "elsewhere").rename(program)
        wait_for(lambda: len(pids.read_text().splitlines()) == 2)
        assert service.alive
    finally:
        processes.stop(service)
