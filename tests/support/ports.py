"""Free ports that no other test process takes in between: each has a range of its own.

A port that is bound, closed and handed on may be taken by another process before it is used. So a
test process holds one socket, at the first port of its range, for as long as it lives, and takes
the others in turn. The ranges lie below the ports that systems give out by themselves (32768 on
Linux, 49152 on macOS), so neither outgoing connections nor servers on port 0 come into them.
"""

import socket

from gridstress.local.processes import is_free

FIRST, RANGES, SIZE = 20_000, 40, 300


class PortRange:
    """The ports of one process, given out in turn; the range is held until it ends.

    Raises
    ------
    RuntimeError
        If other processes hold every range.
    """

    def __init__(self) -> None:
        self._held, self.first = _claim()
        self._next = 0

    def take(self, count: int = 1) -> int:
        """First of `count` ports in a row that nothing listens on."""
        for _ in range(SIZE):
            if self._next + count >= SIZE:
                self._next = 0
            first = self.first + 1 + self._next
            self._next += count
            if all(is_free(first + index) for index in range(count)):
                return first
        raise RuntimeError(f"no {count} free ports in a row from {self.first} on")

    def close(self) -> None:
        """Leave the range to others."""
        self._held.close()


def _claim() -> tuple[socket.socket, int]:
    for number in range(RANGES):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", FIRST + number * SIZE))
        except OSError:
            held.close()
        else:
            return held, FIRST + number * SIZE
    raise RuntimeError("no range of ports is free: too many test processes at once")


_mine: list[PortRange] = []


def free_ports(count: int = 1) -> int:
    """First of `count` ports in a row, of this process's range."""
    if not _mine:
        _mine.append(PortRange())
    return _mine[0].take(count)


def free_port(host: str = "127.0.0.1") -> int:
    """Stands in for `gridstress.local.processes.free_port` in every test process."""
    return free_ports()
