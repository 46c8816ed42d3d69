"""What keeps test processes out of each other's ports."""

import socket
import subprocess
import sys
from pathlib import Path

from gridstress.local import processes
from tests.support.ports import SIZE, PortRange

CHECKOUT = Path(__file__).parents[2]


def test_two_processes_have_no_port_in_common() -> None:
    one, other = PortRange(), PortRange()
    try:
        taken = [{held.take() for _ in range(SIZE)} for held in (one, other)]
    finally:
        one.close()
        other.close()
    assert not taken[0] & taken[1]


def test_another_process_takes_another_range() -> None:
    held = PortRange()
    code = "from tests.support.ports import PortRange; print(PortRange().first)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    held.close()
    assert int(done.stdout) != held.first


def test_a_port_that_something_listens_on_is_passed_over() -> None:
    held = PortRange()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", held.first + 2))
        busy.listen()
        assert held.take() == held.first + 1
        assert held.take() == held.first + 3
    held.close()


def test_ports_in_a_row_are_free_together() -> None:
    held = PortRange()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", held.first + 3))
        busy.listen()
        first = held.take(3)
        assert first == held.first + 4
        assert held.take() == first + 3
    held.close()


def test_the_product_takes_its_free_ports_from_the_range() -> None:
    assert 20_000 < processes.free_port() < 32_000
