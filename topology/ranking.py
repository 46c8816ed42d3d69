"""Rank nodes: the highest value first, equal values by position."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from topology.messages import Floats, SourceShare

TOP_SOURCES = 3


def highest(values: Floats, k: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Positions of the k highest values, highest first; shape (at most k,)."""
    order: np.ndarray[Any, np.dtype[np.intp]] = np.argsort(-values, kind="stable")
    return order[:k]


def top_sources(
    parts: Floats, ids: Sequence[str] | np.ndarray[Any, np.dtype[np.object_]]
) -> list[SourceShare]:
    """The sources that make up most of a node's stress, largest share first.

    ``parts`` is what each node adds to it, shape (nodes,); those that add nothing are left out.
    """
    total = parts.sum()
    if total <= 0:
        return []
    order = highest(parts, TOP_SOURCES)
    chosen = zip(order.tolist(), (parts[order] / total).tolist(), strict=True)
    return [SourceShare(ids[i], share) for i, share in chosen if share > 0]
