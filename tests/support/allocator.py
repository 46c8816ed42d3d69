"""How the C library keeps freed memory, in the processes that run the tests."""

import ctypes
import sys

M_ARENA_MAX = -8
ARENAS = 2


def share_arenas() -> None:
    """Let all threads share two arenas, where the C library is glibc.

    The servers in the tests start hundreds of threads; with an arena for each, memory that one has
    freed is not used by the next.
    """
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
