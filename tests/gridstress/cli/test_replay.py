"""``gridstress replay`` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.harness.brokers import embedded_broker
from tests.support import commands
from tests.support.waiting import suspend
from topology.codec import decode
from topology.messages import MeasurementFrame

CHECKOUT = Path(__file__).parents[3]


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("GRIDSTRESS_")}


def command(*arguments: str, cwd: Path, stdin: int | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gridstress", *arguments],
        cwd=cwd,
        env=environment() | {"PYTHONPATH": str(CHECKOUT)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = commands.run(arguments, environment(), cwd, timeout_s=60)
    return done.returncode, done.stdout, done.stderr


def frames(path: Path) -> list[MeasurementFrame]:
    return [decode(line, MeasurementFrame) for line in path.read_bytes().splitlines()]


def test_a_part_of_the_bundled_year_goes_to_a_file_with_a_summary(tmp_path: Path) -> None:
    code, out, err = run(
        *("replay", "--start", "2025-07-01", "--until", "2025-07-03T00:00Z"),
        *("--run", "mine", "--output", "frames.jsonl", "--json"),
        cwd=tmp_path,
    )
    assert code == 0, err
    summary = json.loads(out)
    found = frames(tmp_path / "frames.jsonl")
    assert summary == {
        "run": "mine",
        "frames": len(found),
        "rows": 4 * 48,
        "zones": ["50Hertz", "Amprion", "TenneT", "TransnetBW"],
        "start": "2025-07-01T00:00:00Z",
        "end": "2025-07-03T00:00:00Z",
        "stopped": False,
    }
    assert {frame.seq for frame in found} == {0, 24, 48}
    assert "Synthetic" in err
    assert "Traceback" not in err


def test_a_file_with_one_zone_ends_the_others_at_once_and_says_so(tmp_path: Path) -> None:
    rows = "".join(f"01.01.2024 {h:02}:00;x;{h + 1}.000\n" for h in (0, 1, 3))
    (tmp_path / "s.csv").write_text(f"Datum von;Datum bis;Netzlast [MWh]\n{rows}", "utf-8")
    code, _, err = run(
        *("replay", "s.csv", "--zone", "Amprion", "--output", "frames.jsonl"), cwd=tmp_path
    )
    assert code == 0, err
    assert "no data for zone TenneT" in err
    assert "1 values are missing in 1 gaps" in err
    finals = [(f.zone, f.seq) for f in frames(tmp_path / "frames.jsonl") if f.final]
    assert finals == [("50Hertz", 0), ("TenneT", 0), ("TransnetBW", 0), ("Amprion", 4)]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing.csv"], 4, "nothing.csv"),
        (["--speed", "fast"], 2, "'fast'"),
        (["--start", "tomorrow"], 2, "'tomorrow'"),
        (["--resolution", "15min"], 2, "60 min"),
        (["--start", "2030-01-01"], 4, "2025-12-31T23:00Z"),
        (["--broker", "kafka://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["--run", "x" * 200], 2, "--run"),
        (["--loop", "--output", "x"], 2, "never end"),
        (["--resume"], 2, "--resume needs --run"),
        (["--output", "/dev/full"], 4, "/dev/full: cannot be written: No space left on device"),
        (["/dev/zero"], 4, "/dev/zero: not a file"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, says: str, tmp_path: Path
) -> None:
    found, _, err = run("replay", *arguments, cwd=tmp_path)
    assert found == code, err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in err


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_where_it_stopped_and_ends_with_130(
    number: signal.Signals, tmp_path: Path
) -> None:
    with embedded_broker() as broker:
        url = f"kafka://{broker.bootstrap}"
        process = command("replay", "--broker", url, "--speed", "1", "--json", cwd=tmp_path)
        try:
            assert process.stderr
            for line in process.stderr:
                if line.startswith("run "):
                    break
            # Its first step is sent as soon as it is connected; the next is an hour away.
            wait_connected(process.pid, broker.bootstrap)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert json.loads(out)["stopped"] is True
    assert "interrupted: run synthetic-2025-" in err


@pytest.mark.integration
def test_a_second_ctrl_c_ends_a_replay_that_waits_for_a_broker_that_hangs(tmp_path: Path) -> None:
    with embedded_broker(directory=tmp_path) as broker:
        hanging = psutil.Process(broker.service.pid)
        url = f"kafka://{broker.bootstrap}"
        process = command("replay", "--broker", url, "--speed", "36000", cwd=tmp_path)
        try:
            wait_connected(process.pid, broker.bootstrap)
            suspend(hanging)
            began = time.monotonic()
            while process.poll() is None and time.monotonic() < began + 30:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            assert process.returncode == 130
        finally:
            process.kill()
            process.communicate()
            hanging.resume()


@pytest.mark.integration
def test_ctrl_c_ends_a_feed_whose_standard_input_stays_open(tmp_path: Path) -> None:
    with embedded_broker() as broker:
        url = f"kafka://{broker.bootstrap}"
        process = command("feed", "lines", "--broker", url, cwd=tmp_path, stdin=subprocess.PIPE)
        try:
            wait_connected(process.pid, broker.bootstrap)
            process.send_signal(signal.SIGINT)
            process.wait(30)
            assert process.stderr
            assert (process.returncode, "Fatal" in process.stderr.read()) == (130, False)
        finally:
            process.kill()
            process.communicate()


def wait_connected(pid: int, address: str) -> None:
    process, port = psutil.Process(pid), int(address.rpartition(":")[2])
    deadline = time.monotonic() + 30
    while not any(c.raddr and c.raddr.port == port for c in process.net_connections()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
