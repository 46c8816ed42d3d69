"""The rule for a consumer group's settings, as a pure function of the log that keeps them.

All workers of a group must decide results by the same settings. Which ones is settled by the log
alone: the first record settles them, and later ones with other values are passed over, so that of
two workers that start at once only one can win. An *accept* replaces them, for all workers that
start after it, and ends the runs that were under way. It announces itself first: from then on no
worker starts before it is through or given up.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

import msgspec

from gridstress.group_settings.fingerprint import digest, grid_components, result_settings
from gridstress.settings import ENV_PREFIX, Settings
from topology.errors import GridstressError
from topology.grid import Grid, Line, Node

SCHEMA = 2
"""Version of the records of the log: `ending` and `given-up` ones are of schema 2, so that a
gridstress that does not know them does not start; all other of schema 1."""

MAX_GRID_BYTES = 700_000
"""Size up to which a record describes the grid node by node, compressed; beyond, only by hashes.
With its encoding it still fits into a record of 1 MB."""

MAX_RUNS_BYTES = 900_000
"""Size up to which a record names runs; beside the grid it still fits into a record of 2 MB."""

NEW = timedelta(hours=1)
"""How long a group is new."""

NAMED = 3
"""How many differing nodes, and lines, an error names."""

_MAX_PLAIN_BYTES = 64 << 20

GRID_PARTS = {"node_ids": "node ids", "node_values": "values of nodes", "lines": "lines"}
"""Components that are hashes of the grid, in words."""


Kind = Literal["first", "ending", "accepted", "given-up"]


class GridFacts(msgspec.Struct, frozen=True):
    """A grid as far as it decides results: its nodes in words, by id, and its lines in words."""

    nodes: dict[str, str]
    lines: list[str]


class SettingsRecord(msgspec.Struct, kw_only=True, frozen=True):
    """One record of the log.

    ``first`` settles what has not been settled; ``accepted`` replaces it and ends ``runs``, and
    with them those of the ``ending`` records before it, which announce it; ``given-up`` takes the
    announcement back. ``grid_facts`` is a compressed `GridFacts`, or empty.
    """

    kind: Kind
    settings: dict[str, str]
    at: str
    by: str
    grid: str = ""
    grid_facts: bytes = b""
    runs: list[str] = []
    schema: int = 1


_decoder = msgspec.json.Decoder(SettingsRecord)
_version_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_facts_decoder = msgspec.json.Decoder(GridFacts)


@dataclass(frozen=True)
class Mine:
    """What a process would have the group's settings be.

    ``components`` is what `gridstress.group_settings.fingerprint.result_settings` gives.
    """

    components: Mapping[str, str]
    grid: Grid

    @classmethod
    def of(cls, settings: Settings, grid: Grid) -> Self:
        """Those of these settings and this grid."""
        return cls(result_settings(settings, grid), grid)

    def record(
        self,
        kind: Kind,
        *,
        at: str,
        by: str,
        runs: Collection[str] = (),
    ) -> SettingsRecord:
        """A record of the log that says them; ``at`` is ISO-8601 UTC, ``by`` names the process."""
        whole = kind in ("first", "accepted")
        packed = zlib.compress(msgspec.json.encode(facts_of(self.grid))) if whole else b""
        return SettingsRecord(
            kind=kind,
            settings=dict(self.components),
            at=at,
            by=by,
            grid=self.grid.name,
            grid_facts=packed if len(packed) <= MAX_GRID_BYTES else b"",
            runs=sorted(runs),
            schema=1 if whole else SCHEMA,
        )

    def announcing(self, runs: Collection[str], *, at: str, by: str) -> list[SettingsRecord]:
        """The records, one at least, that announce an accept which will end these runs."""
        parts: list[list[str]] = [[]]
        size = 0
        for run in sorted(runs):
            length = len(msgspec.json.encode(run)) + 1
            if size + length > MAX_RUNS_BYTES:
                parts.append([])
                size = 0
            parts[-1].append(run)
            size += length
        return [self.record("ending", at=at, by=by, runs=part) for part in parts]


@dataclass(frozen=True)
class Era:
    """A stretch of the group's life with the same settings.

    Attributes
    ----------
    number
        0 until the first accept, then 1, and so on.
    founded
        The record that began it.
    settings
        By component. A newer version may add components later, but changes none.
    ended_runs
        Runs that the accept which ended this era has ended; empty while it lasts.
    """

    number: int
    founded: SettingsRecord
    settings: Mapping[str, str]
    ended_runs: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """Name of these settings: the same for all workers of a group, another in each era."""
        short = digest(self.founded.settings)[:12]
        return f"{short}+{self.number}" if self.number else short


@dataclass(frozen=True)
class GroupSettings:
    """The group's settings so far: an era for each accept, and one before.

    ``announced`` is the last record of an accept that is neither through nor given up.
    """

    eras: tuple[Era, ...]
    announced: SettingsRecord | None = None

    @property
    def current(self) -> Era:
        """The era of now."""
        return self.eras[-1]

    @property
    def ended_runs(self) -> frozenset[str]:
        """All runs that an accept has ended."""
        return frozenset().union(*(era.ended_runs for era in self.eras))

    def of_run(self, run: str) -> Era:
        """The era in which a run was worked on: the one that ended it, or the current one."""
        return next((era for era in self.eras if run in era.ended_runs), self.current)


def read_record(raw: bytes | None) -> SettingsRecord | None:
    """Read a value of the log; None for one that is not a record of it.

    Raises
    ------
    GridstressError
        If it is of a newer schema: to pass it over could be to miss an accept.
    """
    try:
        version = msgspec.json.decode(_version_decoder.decode(raw or b"").get("schema", b"1"))
        if isinstance(version, int) and version > SCHEMA:
            raise GridstressError(
                f"the group's settings are of schema {version}, this is {SCHEMA}",
                hint="a newer gridstress works in this group: install it here, too",
            )
        record = _decoder.decode(raw or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return record if record.settings else None


def settle(records: Iterable[SettingsRecord | None]) -> GroupSettings | None:
    """What the records of the log settle, in its order; None if nothing is settled yet."""
    eras: list[Era] = []
    ending: set[str] = set()
    announced: SettingsRecord | None = None
    for record in records:
        if record is None:
            continue
        if record.kind == "ending":
            ending.update(record.runs)
            announced = record
        elif record.kind == "given-up":
            ending, announced = set(), None
        elif not eras:
            eras.append(Era(0, record, record.settings))
        elif record.kind == "accepted":
            before = eras.pop()
            ended = before.ended_runs | ending | set(record.runs)
            ending, announced = set(), None
            eras.append(Era(before.number, before.founded, before.settings, ended))
            eras.append(Era(before.number + 1, record, record.settings))
        elif agrees(eras[-1].settings, record.settings):
            now = eras.pop()
            eras.append(Era(now.number, now.founded, {**record.settings, **now.settings}))
    return GroupSettings(tuple(eras), announced) if eras else None


def agrees(group: Mapping[str, str], mine: Mapping[str, str]) -> bool:
    """Whether no component that both have differs: an older version may lack some."""
    return all(group[name] == mine[name] for name in group.keys() & mine.keys())


def differences(era: Era, mine: Mine) -> list[str]:
    """What of this process differs from the settings of an era, one line each."""
    lines = []
    for name, value in mine.components.items():
        theirs = era.settings.get(name, value)
        if theirs != value and name not in GRID_PARTS:
            lines.append(f"{ENV_PREFIX}{name.upper()} is {value}, the group's {theirs}")
    return lines + _grid_differences(era, mine)


def _grid_differences(era: Era, mine: Mine) -> list[str]:
    components = grid_components(mine.grid)
    parts = [name for name in components if era.settings.get(name, "") != components[name]]
    parts = [name for name in parts if name in era.settings]
    if not parts:
        return []
    lines = []
    facts = _facts(era.founded)
    if facts is not None:
        own = facts_of(mine.grid)
        if own.nodes != facts.nodes:
            lines += _named(_node_differences(own.nodes, facts.nodes), "nodes")
        if own.lines != facts.lines:
            lines += _named(_line_differences(own.lines, facts.lines), "lines")
    grids = f"grid {mine.grid.name}, the group's {era.founded.grid or 'of unknown name'}"
    return lines or [
        f"{grids}: other {GRID_PARTS[name]} ({components[name]}, the group's {era.settings[name]})"
        for name in parts
    ]


def _node_differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    found = []
    for node_id in sorted(mine.keys() | theirs.keys()):
        if node_id not in theirs:
            found.append(f"node {node_id!r} is not in the group's grid")
        elif node_id not in mine:
            found.append(f"node {node_id!r} is only in the group's grid")
        elif mine[node_id] != theirs[node_id]:
            found.append(f"node {node_id!r} has {mine[node_id]}, the group's {theirs[node_id]}")
    return found


def _line_differences(mine: Collection[str], theirs: Collection[str]) -> list[str]:
    only_mine, only_theirs = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
    found = [f"line {line} is not in the group's grid" for line in only_mine]
    return found + [f"line {line} is only in the group's grid" for line in only_theirs]


def _named(found: list[str], what: str) -> list[str]:
    more = [f"more {what} that differ: {len(found) - NAMED}"] if len(found) > NAMED else []
    return found[:NAMED] + more


def facts_of(grid: Grid) -> GridFacts:
    """Describe what `gridstress.group_settings.fingerprint.grid_components` makes its hashes of."""
    return GridFacts(
        {node.id: _node_in_words(node) for node in grid.nodes},
        sorted(_line_in_words(line) for line in grid.lines),
    )


def _node_in_words(node: Node) -> str:
    rating = "no rating" if node.known_rating_mw is None else f"{float(node.rating_mw)} MW"
    return f"zone {node.zone}, {rating}, sensitivity {float(node.sensitivity)}"


def _line_in_words(line: Line) -> str:
    ends = " - ".join(sorted((line.source, line.target)))
    values = f"coupling {float(line.coupling)}, {float(line.length_km)} km, "
    values += f"{float(line.voltage_kv)} kV"
    if line.reactance_ohm is not None:
        values += f", {float(line.reactance_ohm)} ohm"
    values += ", dc" if line.dc else ""
    return f"{ends} ({values})"


def _facts(record: SettingsRecord) -> GridFacts | None:
    try:
        plain = zlib.decompressobj().decompress(record.grid_facts, _MAX_PLAIN_BYTES)
        return _facts_decoder.decode(plain)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
        return None


@dataclass
class Membership:
    """What a worker knows of its group's settings; filled at its start.

    Attributes
    ----------
    settings_id
        `Era.id` of the settings it works with; empty before its start.
    ended_runs
        Runs of which nothing is worked on any more. The same set for the life of the worker, so
        that stages and views may hold on to it.
    is_new
        Whether the group was founded less than an hour ago.
    """

    settings_id: str = ""
    ended_runs: set[str] = field(default_factory=set)
    is_new: bool = True

    @property
    def is_known(self) -> bool:
        """Whether this process has the group's settings."""
        return bool(self.settings_id)

    def follow(self, group: GroupSettings) -> None:
        """Take over what the log says."""
        self.settings_id = group.current.id
        self.ended_runs |= group.ended_runs
        self.is_new = _is_recent(group.eras[0].founded.at)


def _is_recent(at: str) -> bool:
    try:
        return datetime.now(UTC) - datetime.fromisoformat(at) < NEW
    except (TypeError, ValueError):
        return True  # anybody can write to the log
