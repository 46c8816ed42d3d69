"""Lines as walks: a browser draws a walk in one stroke, however many lines it follows.

With a stroke a line, a grid of 16,000 lines kept a browser busy for seconds at every zoom.
"""

from collections.abc import Sequence


def walks(lines: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Walks that follow every line, one walk a connected part.

    A walk goes back along its lines where it has no other way on.

    Parameters
    ----------
    lines
        The two ends of each line.
    """
    ways: dict[str, list[tuple[int, str]]] = {}
    for line, (one, other) in enumerate(lines):
        ways.setdefault(one, []).append((line, other))
        ways.setdefault(other, []).append((line, one))
    followed: set[int] = set()
    found = []
    for start in ways:
        walk, path, end = [start], [start], 0
        while path:
            on = ways[path[-1]]
            while on and on[-1][0] in followed:
                on.pop()
            if on:
                line, there = on.pop()
                followed.add(line)
                path.append(there)
                walk.append(there)
                end = len(walk)
            else:
                path.pop()
                walk += path[-1:]
        if end:
            found.append(walk[:end])
    return found
