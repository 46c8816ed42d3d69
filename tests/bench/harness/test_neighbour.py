import os
import subprocess
import sys

import psutil

from bench.harness.neighbour import busy_neighbour
from bench.harness.waiting import wait_for


def test_a_busy_neighbour_works_without_end_until_the_block_is_left():
    with busy_neighbour() as process:
        seen = psutil.Process(process.pid)
        wait_for(lambda: seen.cpu_times().user > 0.2, "it works", 20)
        assert seen.num_threads() == 1
        assert process.poll() is None
    assert process.returncode is not None


def test_a_busy_neighbour_does_not_outlive_a_bench_that_is_killed():
    code = (
        "import os\n"
        "from bench.harness.neighbour import busy_neighbour\n"
        "with busy_neighbour() as process:\n"
        "    print(process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, check=False
    )
    orphan = int(done.stdout)
    wait_for(lambda: not _runs(orphan), "it ends", 20)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
