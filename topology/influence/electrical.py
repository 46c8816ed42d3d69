"""Influence by DC power flow: the part of a rise of load that passes a node on its way.

Worked out once for a topology: the pipeline multiplies by this matrix as by any other, and no
flow is solved while it runs.
"""

import numpy as np
import scipy.sparse as sp

from topology.grid import Grid
from topology.models import InfluenceParams, Matrix
from topology.physics.power_flow import DcNetwork

CUT = 0.1
"""What is passed by less than this part of a rise is left out, or most nodes would be reached."""
DIGITS = 9
"""What is left out is decided after rounding to so many decimals, so that machines agree on it."""
SOURCES_AT_ONCE = 500


def electrical_influence(grid: Grid, params: InfluenceParams) -> Matrix:
    """K of the electrical model: ``through_flow`` from 0.1 up, at most 1; ``K[s, s] = 1``.

    None of ``params`` matters to it: how far stress reaches follows from reactances.
    """
    n = len(grid.nodes)
    if not grid.lines:
        return sp.csr_array(sp.eye_array(n, format="csr"))
    network = DcNetwork.of(grid)
    blocks = []
    for first in range(0, n, SOURCES_AT_ONCE):
        sources = np.arange(first, min(first + SOURCES_AT_ONCE, n))
        passing = network.through_flow(sources)
        kept = np.round(passing, DIGITS) >= CUT
        # Values stay as they are: rounded, two machines could differ by a whole digit.
        passing = np.where(kept, np.clip(passing, CUT, 1.0), 0.0)
        passing[np.arange(len(sources)), sources] = 1.0
        blocks.append(sp.csr_array(passing))
    whole = sp.csr_array(sp.vstack(blocks, format="csr"))
    whole.sort_indices()
    return whole
