import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.harness.brokers import embedded_broker
from gridstress.faust_fixes.data_directory import LOCK, claim, left, outlast, seen, session_left_s
from gridstress.faust_fixes.errors import FaustFixError
from gridstress.local import processes


def test_tables_of_the_process_before_are_thrown_away(tmp_path: Path) -> None:
    database = tmp_path / "tables" / "risk-3.db"
    database.mkdir(parents=True)
    (tmp_path / "tables" / "risk-4.db").write_text("a directory once, before something broke it")
    (tmp_path / "tables" / "risk-backups").mkdir()
    claim(tmp_path, tmp_path / "tables")
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["risk-backups"]


def test_two_workers_cannot_share_a_data_directory(tmp_path: Path) -> None:
    held = claim(tmp_path, tmp_path)
    with pytest.raises(FaustFixError, match="another worker uses the data directory"):
        claim(tmp_path, tmp_path)
    assert held.fileno()
    assert (tmp_path / "worker.lock").read_text() == f"{os.getpid()}\n"


def test_the_group_counts_on_a_worker_until_its_session_is_over(tmp_path: Path) -> None:
    assert session_left_s(tmp_path, 8.0) == 0.0, "no former worker"
    held = claim(tmp_path, tmp_path / "tables")
    assert session_left_s(tmp_path, 8.0) == 0.0, "it is still here"
    held.close()
    lock = tmp_path / LOCK
    now = lock.stat().st_mtime
    assert 7.0 < session_left_s(tmp_path, 8.0) <= 8.0
    os.utime(lock, (now, now - 5.0))
    assert 2.0 < session_left_s(tmp_path, 8.0) <= 3.0
    seen(tmp_path)
    assert session_left_s(tmp_path, 8.0) > 7.0
    os.utime(lock, (now, now - 9.0))
    assert session_left_s(tmp_path, 8.0) == 0.0
    os.utime(lock, (now, now + 3600.0))
    assert session_left_s(tmp_path, 8.0) == 8.0, "a clock that was set back"
    left(tmp_path)
    assert session_left_s(tmp_path, 8.0) == 0.0, "it has said good-bye"


def test_a_worker_that_never_had_the_directory_says_no_good_bye_for_another(tmp_path: Path) -> None:
    claim(tmp_path, tmp_path / "tables").close()
    (tmp_path / LOCK).write_text("1\n")  # of a process that is not this one
    left(tmp_path)
    assert session_left_s(tmp_path, 8.0) > 7.0


async def test_a_worker_that_is_killed_while_it_waits_makes_the_next_one_wait_anew(
    tmp_path: Path,
) -> None:
    claim(tmp_path, tmp_path / "tables").close()
    lock = tmp_path / LOCK
    os.utime(lock, (time.time() - 5.0, time.time() - 5.0))
    assert session_left_s(tmp_path, 8.0) < 4.0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outlast(tmp_path, 3.0), 0.1)
    assert session_left_s(tmp_path, 8.0) > 7.0


async def test_the_wait_is_as_long_as_it_was_said_to_be(tmp_path: Path) -> None:
    began = time.monotonic()
    await outlast(tmp_path, 0.2)
    assert 0.2 <= time.monotonic() - began < 1.0


def test_a_directory_that_was_deleted_is_no_error(tmp_path: Path) -> None:
    seen(tmp_path / "gone")
    left(tmp_path / "gone")
    assert session_left_s(tmp_path / "gone", 8.0) == 0.0


@pytest.mark.integration
def test_a_worker_that_is_asked_to_stop_while_it_waits_says_no_good_bye(tmp_path: Path) -> None:
    """In containers every worker has the same process id, so the id alone tells nothing."""
    lock = tmp_path / "data" / LOCK
    lock.parent.mkdir()
    lock.write_text("1\n")
    words = ["-m", "faust", "-A", "gridstress", "worker", "-l", "info"]
    environment = {"GRIDSTRESS_DATA_DIR": "data", "PYTHONPATH": str(Path(__file__).parents[3])}
    environment["GRIDSTRESS_SESSION_TIMEOUT_S"] = "300"  # however slowly the worker starts
    with embedded_broker() as broker:
        environment["GRIDSTRESS_BROKER"] = f"kafka://{broker.bootstrap}"
        worker = subprocess.Popen(
            [sys.executable, *words, "--web-port", str(processes.free_port())],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert worker.stdout is not None
        assert any("ended without a good-bye here" in line for line in worker.stdout)
        lock.write_text(f"{worker.pid}\n")
        worker.terminate()
        worker.communicate(timeout=60)
    assert lock.read_text() == f"{worker.pid}\n"
