import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_what_asks_for_the_time_afterwards_gets_the_wrong_one() -> None:
    code = "from tests.chaos.skewed import shift; shift(-300); import time; print(time.time())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert -305 < float(done.stdout) - time.time() <= -300
