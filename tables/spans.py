"""Which window ends close: all, except in a stretch too long in which no zone has a row.

One zone whose clock says 1970 must not make half a million empty windows. What is skipped is
decided by the times of counted rows alone, so it does not depend on how zones interleave, on where
stress is, or on what one batch brings.

A *span* is the first and the last time (epoch seconds) of rows between which no gap is longer than
``WindowSpec.max_gap_s``. Spans ascend.
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import NamedTuple

from tables.windows import WindowSpec

Span = tuple[float, float]


class Due(NamedTuple):
    """The next window end to close; without a window, all ends up to it are skipped."""

    end_s: int
    has_window: bool


def with_row(spans: Sequence[Span], time_s: float, max_gap_s: float) -> list[Span]:
    """The spans with one more row, those that it joins made one."""
    first_s = last_s = time_s
    apart: list[Span] = []
    for begin_s, end_s in spans:
        if begin_s - max_gap_s <= time_s <= end_s + max_gap_s:
            first_s, last_s = min(first_s, begin_s), max(last_s, end_s)
        else:
            apart.append((begin_s, end_s))
    return sorted([*apart, (first_s, last_s)])


def due(
    spans: Sequence[Span], closed_s: int, watermark_s: float, spec: WindowSpec
) -> Iterator[Due]:
    """Yield the ends after ``closed_s`` that the watermark has passed, oldest first.

    Windows close up to one size after a span's last row, so that every alarm clears. In the gap
    behind it nothing closes before it is certain: while the watermark is in the gap, a row may
    still come that makes it shorter.
    """
    last_s, at_s = spec.pane_of(watermark_s), closed_s
    while at_s < last_s:
        end_s = at_s + spec.step_s
        begun = [span for span in spans if spec.pane_of(span[0]) < end_s]
        # Without one, the gap is being skipped already, and the span before it was dropped.
        row_s = begun[-1][1] if begun else -inf
        reaches_s = spec.pane_of(row_s) + spec.step_s + spec.size_s if begun else at_s
        if len(begun) == len(spans) or end_s <= reaches_s:
            yield Due(end_s, has_window=True)
            at_s = end_s
            continue
        next_s = spans[len(begun)][0]
        if watermark_s < next_s and watermark_s - row_s <= spec.max_gap_s:
            return
        at_s = min(last_s, spec.pane_of(next_s))
        yield Due(at_s, has_window=False)


def panes_with_rows(spans: Sequence[Span], from_s: int, spec: WindowSpec) -> Iterator[int]:
    """Yield the starts of the panes of the spans, from this one on."""
    for begin_s, end_s in spans:
        first_s = max(spec.pane_of(begin_s), from_s)
        yield from range(first_s, spec.pane_of(end_s) + spec.step_s, spec.step_s)
