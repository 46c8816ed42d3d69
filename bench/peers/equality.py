"""Check that a peer's windows equal those that the verifier recomputes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from topology.clock import to_iso
from topology.messages import Floats

TOLERANCE = 1e-9
"""Relative; a sum's last digits depend on the order of its parts."""


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes
    ----------
    compared
        Values that were compared: complete windows times nodes times models.
    stressed
        How many of these should be above 0.
    different
        How many are not equal.
    first
        The first of them in words; empty if there is none.
    """

    compared: int
    stressed: int
    different: int
    first: str

    @property
    def equal(self) -> bool:
        """Whether all are equal, and there was any stress to compare."""
        return self.stressed > 0 and self.different == 0


def compare(
    expected: Mapping[str, Floats],
    found: Mapping[str, Floats],
    nodes: Sequence[str],
    ends_s: Floats,
) -> Verdict:
    """Compare the stress of every node in every window, for each model.

    Parameters
    ----------
    expected, found
        By model, stress-hours of shape (windows, nodes), >= 0.
    nodes
        Their ids, shape (nodes,).
    ends_s
        The windows' ends in epoch seconds, shape (windows,).

    Raises
    ------
    ValueError
        If models or shapes differ.
    """
    if expected.keys() != found.keys():
        raise ValueError(f"models {sorted(found)} instead of {sorted(expected)}")
    compared = stressed = different = 0
    first = ""
    for model, wanted in expected.items():
        got = found[model]
        if not wanted.shape == got.shape == (len(ends_s), len(nodes)):
            raise ValueError(f"{model}: shape {got.shape} instead of {wanted.shape}")
        wrong = ~np.isclose(got, wanted, rtol=TOLERANCE, atol=0.0)
        compared += wanted.size
        stressed += int(np.count_nonzero(wanted))
        different += int(np.count_nonzero(wrong))
        if not first and wrong.any():
            window, node = np.argwhere(wrong)[0]
            first = (
                f"{model}: {nodes[node]} in the window that ends at {to_iso(ends_s[window])} has "
                f"{got[window, node]!r} instead of {wanted[window, node]!r}"
            )
    return Verdict(compared, stressed, different, first)
