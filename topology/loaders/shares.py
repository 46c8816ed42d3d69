"""Shares: which part of its zone's load each node takes, and each zone of the whole."""

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from topology.errors import DataError, UsageError
from topology.grid import usual_limit_mw
from topology.loaders.raw import MAX_MW, RawGrid, RawNode, forget, positive_mw

LOADS, CAPACITY, DEGREE, UNIFORM = "p_set", "capacity", "degree", "uniform"
ASSUMED = {
    CAPACITY: "by the capacity of the lines and transformers that end at a node",
    DEGREE: "by the number of lines that end at a node",
    UNIFORM: "equal within a zone",
}
"""Rules that are assumptions, in words."""
RULES = (LOADS, *ASSUMED)


def fill_shares(raw: RawGrid, rule: str | None = None) -> None:
    """Give every node its share, and every zone its part of the whole, in place.

    Parameters
    ----------
    raw
        Its lines have voltages.
    rule
        One of ``RULES``, or a file of shares (``read_shares``), which replaces the shares that are
        there; the ratings, which no longer fit, go; zones keep their parts of the whole unless
        it is a file. None fills in shares that are missing: by ``p_set`` where the grid gives
        loads, else by ``capacity``. A zone in which an assumed rule finds nothing is divided in
        equal parts; one without load by ``p_set`` or in the file has no shares.

    Raises
    ------
    UsageError
        If there is no such rule, or ``p_set`` is asked for and no node has a load.
    DataError
        If the file of shares is wrong.
    """
    loads = _weights(raw, LOADS)
    if rule == LOADS and not any(loads):
        raise UsageError(f"grid {raw.name!r} gives no loads", hint=_HINT)
    if rule is not None:
        _drop(raw, keep_zone_shares=rule in RULES)
    else:
        rule = LOADS if any(loads) else CAPACITY
    weights = loads if rule == LOADS else _weights(raw, rule)
    zones: dict[str, list[int]] = defaultdict(list)
    for i, node in enumerate(raw.nodes):
        zones[str(node.zone)].append(i)
    parts = {zone: math.fsum(weights[i] for i in members) for zone, members in zones.items()}
    whole = math.fsum(parts.values())
    derive_zone_shares = not raw.zone_shares
    for zone, members in zones.items():
        if not parts[zone] and rule in ASSUMED:
            _assign(raw, members, [1 / len(members)] * len(members), UNIFORM)
        else:
            total = parts[zone] or 1.0
            _assign(raw, members, [weights[i] / total for i in members], rule)
        if derive_zone_shares:
            raw.zone_shares[zone] = parts[zone] / whole if whole else len(members) / len(raw.nodes)


_HINT = f"--shares {CAPACITY}, {DEGREE}, {UNIFORM}, or a CSV file with the columns node,share"


def capacities(raw: RawGrid) -> Mapping[str, float]:
    """What the lines and transformers that end at a node carry together, MW, by the node's id."""
    total: dict[str, float] = defaultdict(float)
    for line in raw.lines:
        mw = positive_mw(line.limit_mw) or usual_limit_mw(positive_mw(line.voltage_kv))
        total[str(line.source)] += mw
        total[str(line.target)] += mw
    return total


def read_shares(path: str, nodes: list[RawNode]) -> list[float]:
    """Read the weight of each node from a CSV file with the columns ``node`` and ``share``.

    Any numbers >= 0 in proportion to the nodes' loads, MW for instance; nodes that are not in the
    file have none.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        With file, row and value.
    """
    if not Path(path).is_file():
        raise UsageError(f"no rule and no file of shares {path!r}", hint=_HINT)
    known, weights = {str(node.id) for node in nodes}, dict[str, float]()
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if not {"node", "share"} <= set(reader.fieldnames or ()):
                raise DataError(f"{path}: row 1 has not the columns node and share")
            for row in reader:
                where, node = f"{path}: row {reader.line_num}", row["node"].strip()
                if node not in known or node in weights:
                    problem = "is there twice" if node in weights else "is not in the grid"
                    raise DataError(f"{where}: node {node!r} {problem}")
                weights[node] = _share_in(row["share"], where)
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file that can be read: {error}") from None
    if not any(weights.values()):
        raise DataError(f"{path}: no node has a share above 0")
    return [weights.get(str(node.id), 0.0) for node in nodes]


def _share_in(text: str, where: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= MAX_MW:
        raise DataError(f"{where}: share {text!r} is not a number from 0 to {MAX_MW:g}")
    return share


def _weights(raw: RawGrid, rule: str) -> list[float]:
    """What the shares are in proportion to, >= 0; by an assumed rule 0 where no load is."""
    if rule == LOADS:
        return [positive_mw(node.load_mw) for node in raw.nodes]
    if rule not in RULES:
        return read_shares(rule, raw.nodes)
    by_id: Mapping[str, float] = {}
    if rule == CAPACITY:
        by_id = capacities(raw)
    elif rule == DEGREE:
        by_id = Counter(str(end) for line in raw.lines for end in (line.source, line.target))
    return [
        0.0 if node.has_load is False else 1.0 if rule == UNIFORM else by_id.get(str(node.id), 0.0)
        for node in raw.nodes
    ]


def _assign(raw: RawGrid, members: list[int], shares: list[float], rule: str) -> None:
    """Give the nodes of a zone that have no share theirs."""
    for i, share in zip(members, shares, strict=True):
        node = raw.nodes[i]
        if node.share is not None:
            continue
        node.share = share
        if rule in ASSUMED and (share or node.has_load is not False):
            node.assumed.append("share")
            raw.assumptions.setdefault("share", ASSUMED[rule])


def _drop(raw: RawGrid, *, keep_zone_shares: bool) -> None:
    """Drop the shares, and ratings that were derived from them."""
    if not keep_zone_shares:
        raw.zone_shares = {}
    forget(raw, "share", "rating_mw")
    for node in raw.nodes:
        node.share = node.rating_mw = None
