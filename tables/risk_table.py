"""The table of one model: tumbling panes that are stored, hopping windows that are read off them.

Everything of a model lies in **one** Faust table, so that one changelog partition is one ordered
log of its writes: what is recovered after a crash is what some prefix of the writes left behind.
The writer keeps to an order in which every prefix is sound: panes first, the state last, and no
pane is deleted that the state before it might still ask for. A run that is dropped leaves a
tombstone in the place of its state, written before its panes are deleted.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import msgspec
import numpy as np

from tables.pane import Pane, part_width
from tables.run_index import RunIndex
from tables.schema import add_schema_byte, schema_of, strip_schema_byte
from tables.shard_state import ForgottenRun, Indices, ShardState, unpack
from tables.windows import WindowSpec
from topology.errors import GridstressError
from topology.messages import Floats

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes."""


class StateError(Exception):
    """The state cannot be read or written: no record's fault, and others must not overtake it."""


class ShardLost(Exception):
    """The shard is not this worker's any more: what was read of it is nothing to go on with."""


@contextmanager
def _state_access() -> Iterator[None]:
    """Raise StateError for whatever the store or its values raise; what is ours keeps its hint."""
    try:
        yield
    except (StateError, ShardLost, GridstressError):
        raise
    except Exception as error:
        raise StateError(f"{type(error).__name__}: {error}") from error


class Store(Protocol):
    """Raw keys and values by shard: a table of Faust, or one in memory in a test."""

    def stored(self, shard: int, key: bytes) -> bytes | None:
        """The value of a key, if it has one."""

    def stored_keys(self, shard: int) -> Sequence[bytes]:
        """All keys of a shard."""

    def version(self, shard: int) -> Hashable:
        """Another one each time the shard's contents come from elsewhere: after a take-over."""

    async def write(self, shard: int, changes: Sequence[Change], version: Any) -> None:
        """Make changes, in this order; LookupError if the shard is of another version by now."""


_Key = tuple[str, int, int | None]
_key_decoder = msgspec.json.Decoder(_Key)

_IN_PARTS = 3
"""The first schema in which a pane may be in parts."""

_PART_S = 10**11
"""Added to a pane's start for each part after the first: far beyond any time."""

KEPT_BYTES = 4 << 20
"""Memory for panes that one shard of a model keeps between batches."""


def _key(run: str, shard: int, pane_s: int | None) -> bytes:
    return msgspec.json.encode((run, shard, pane_s))


@dataclass(frozen=True)
class Window:
    """One window: its end, and those of its panes that exist, oldest first."""

    end_s: int
    panes: Sequence[Pane]

    def source_stress(self, nodes: Indices) -> Floats:
        """Own stress of nodes by their grid positions, shape (nodes,)."""
        total = np.zeros(len(nodes))
        for pane in self.panes:
            total += pane.source_stress[nodes]
        return total


@dataclass(frozen=True)
class Windows:
    """Several windows; ``stress`` of the shard's nodes has shape (windows, shard nodes)."""

    each: Sequence[Window]
    stress: Floats

    @cached_property
    def held(self) -> Indices:
        """Positions of the values above 0, window by window, shape (values,)."""
        return np.flatnonzero(self.stress > 0)  # of booleans it is ten times as fast

    @cached_property
    def risk(self) -> Floats:
        """Risk of the shard's nodes: 1 - exp(-stress), in [0, 1), shape (windows, shard nodes)."""
        risk = np.zeros(self.stress.shape)
        risk.ravel()[self.held] = -np.expm1(-self.stress.ravel()[self.held])
        return risk


class TumblingPanes:
    """The panes of one run and shard: each is read from the store at most once.

    ``width`` is the number of columns of a pane's part (``tables/pane.py``). All are of one
    ``version`` of the shard, that of now; ShardLost if it is another when more is read.
    """

    def __init__(self, store: Store, run: str, shard: int, grid_size: int, width: int) -> None:
        self._store = store
        self.run, self._shard = run, shard
        self.version = store.version(shard)
        self.grid_size, self._width = grid_size, width
        self._parts = range(max(1, -(-grid_size // width)))
        self._known: dict[int, Pane | None] = {}
        self._changed: set[int] = set()

    def get(self, start_s: int) -> Pane | None:
        """The pane that starts here, if it has been written."""
        if start_s not in self._known:
            with _state_access():
                self._check_version()
                raw = {
                    part: value
                    for part, key in self._keys(start_s)
                    if (value := self._store.stored(self._shard, key)) is not None
                }
                self._known[start_s] = self._unpack(raw) if raw else None
        return self._known[start_s]

    def _check_version(self) -> None:
        if self._store.version(self._shard) != self.version:
            raise ShardLost(f"shard {self._shard} was taken over meanwhile")

    def _unpack(self, raw: dict[int, bytes]) -> Pane:
        whole = all(schema_of(value) < _IN_PARTS for value in raw.values())
        return Pane.unpack(
            {n: strip_schema_byte(value) for n, value in raw.items()}, self._width, whole=whole
        )

    def _keys(self, start_s: int) -> Iterator[tuple[int, bytes]]:
        for part in self._parts:
            yield part, _key(self.run, self._shard, start_s + part * _PART_S)

    def to_change(self, start_s: int) -> Pane:
        """The pane that starts here, new if need be; it will be among the changes."""
        pane = self.get(start_s)
        if pane is None:
            pane = self._known[start_s] = Pane(np.zeros(self.grid_size), self._width)
        self._changed.add(start_s)
        return pane

    def changes(self, needed_from_s: int | None) -> list[Change]:
        """The panes changed since the last call that are still needed, oldest first."""
        changes: list[Change] = []
        for start_s in sorted(self._changed):
            pane = self._known[start_s]
            assert pane is not None
            if needed_from_s is None or start_s >= needed_from_s:
                keys = dict(self._keys(start_s))
                changes += [(keys[part], add_schema_byte(raw)) for part, raw in pane.pack().items()]
        self._changed.clear()
        return changes

    def forget(self, *, before_s: int | None) -> Self:
        """Let go of the panes that start before, and of the oldest beyond `KEPT_BYTES`.

        What is asked for again is read again.
        """
        kept: dict[int, Pane | None] = {}
        room = KEPT_BYTES
        for start_s in sorted(self._known, reverse=True):
            pane = self._known[start_s]
            room -= pane.memory if pane else 0
            if room < 0 or (before_s is not None and start_s < before_s):
                break
            kept[start_s] = pane
        self._known = kept
        return self

    def deletions(self, starts: Iterable[int]) -> list[Change]:
        """Deletions of those of these panes that exist."""
        keys = (key for start_s in starts for _, key in self._keys(start_s))
        with _state_access():
            self._check_version()
            return [(key, None) for key in keys if self._store.stored(self._shard, key) is not None]


class HoppingWindows:
    """The hopping windows over some panes: nothing is stored, a window is the sum of its panes."""

    def __init__(self, panes: TumblingPanes, spec: WindowSpec, shard_size: int) -> None:
        self._panes, self._spec, self._shard_size = panes, spec, shard_size
        self._totals: dict[int, tuple[Pane, Floats] | None] = {}

    def ending(self, ends_s: Sequence[int]) -> Windows:
        """The windows that end at these times, as full as they are now."""
        stress: Floats = np.zeros((len(ends_s), self._shard_size))
        each = []
        for end_s, sums in zip(ends_s, stress, strict=True):
            panes = []
            for start_s in self._spec.panes_in(end_s):
                if start_s not in self._totals:
                    self._totals[start_s] = self._total(start_s)
                if (found := self._totals[start_s]) is not None:
                    pane, total = found
                    sums += total
                    panes.append(pane)
            each.append(Window(end_s, panes))
        return Windows(each, stress)

    def _total(self, start_s: int) -> tuple[Pane, Floats] | None:
        pane = self._panes.get(start_s)
        return None if pane is None else (pane, pane.total(self._shard_size))


class RiskTable:
    """States and panes of one model, by run and shard; StateError where the store fails.

    ``grid_size`` and ``zones`` are the numbers of nodes and zones of the grid.
    """

    def __init__(self, store: Store, grid_size: int, zones: int = 1) -> None:
        self._store, self._grid_size = store, grid_size
        self._width = part_width(zones)
        self._indexes: dict[int, tuple[Hashable, RunIndex]] = {}

    def entry(self, run: str, shard: int) -> ShardState | ForgottenRun | None:
        """What the shard knows of the run, or remembers of it, if anything."""
        with _state_access():
            raw = self._store.stored(shard, _key(run, shard, None))
            return None if raw is None else unpack(strip_schema_byte(raw), schema_of(raw))

    def state(self, run: str, shard: int) -> ShardState | None:
        """What the shard knows of the run, if it knows it."""
        entry = self.entry(run, shard)
        return entry if isinstance(entry, ShardState) else None

    def entry_change(self, run: str, shard: int, entry: ShardState | ForgottenRun) -> Change:
        """The state of a run, to be written last, or its tombstone, before its panes go."""
        return _key(run, shard, None), add_schema_byte(entry.pack())

    def drop_tombstone(self, run: str, shard: int) -> Change:
        """Deletion of the last that is known of a forgotten run."""
        return _key(run, shard, None), None

    async def write(self, shard: int, changes: Sequence[Change], version: Hashable) -> None:
        """Write changes in this order; they rest on what was read of this version of the shard.

        Raises
        ------
        ShardLost
            If it is of another version by now: what is there may be newer than the changes.
        """
        try:
            with _state_access():
                await self._store.write(shard, changes, version)
        except StateError as error:
            if self.version(shard) != version:
                raise ShardLost(str(error)) from None
            raise

    def panes(self, run: str, shard: int) -> TumblingPanes:
        """The run's panes in this shard."""
        return TumblingPanes(self._store, run, shard, self._grid_size, self._width)

    def version(self, shard: int) -> Hashable:
        """Another one each time the shard was taken over."""
        return self._store.version(shard)

    def index(self, shard: int) -> RunIndex:
        """The runs of a shard; read once after each take-over, its caller notes what it writes."""
        version, known = self.version(shard), self._indexes.get(shard)
        if known is None or known[0] != version:
            known = self._indexes[shard] = version, self._read_index(shard)
        return known[1]

    def _read_index(self, shard: int) -> RunIndex:
        index, panes = RunIndex(), []
        with _state_access():
            keys = [(key, _key_decoder.decode(key)) for key in self._store.stored_keys(shard)]
        for key, (run, _, pane_s) in keys:
            if pane_s is None:
                index.note(run, self.entry(run, shard))
            else:
                panes.append((run, key))
        index.sort_forgotten()
        index.orphans = [key for run, key in panes if run not in index.runs]
        return index

    def size(self, shard: int) -> int:
        """How many keys a shard has."""
        return len(self._store.stored_keys(shard))
