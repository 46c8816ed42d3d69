"""Read an archived run as records of the topics that it was read from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from aiokafka import ConsumerRecord

from gridstress.archive.files import counted, kind_files, recorded_run, run_of
from gridstress.archive.kinds import KINDS, PLACE, parquet, shared
from gridstress.archive.retention import kept_runs
from gridstress.faust_fixes.headers import as_number
from gridstress.kafka import topics
from topology.codec import decode, encode
from topology.errors import DataError
from topology.messages import Level, MeasurementFrame, RiskAlert, RiskWindow, SourceShare
from topology.run_messages import RunRecord

Row = Mapping[str, Any]
T = TypeVar("T")
FETCHED_ROWS = 50
"""Rows that are made objects at once: the worker's other work waits for it."""


def archived_folder(home: Path, run: str) -> Path:
    """Find the folder of an archived run.

    Raises
    ------
    DataError
        If the archive has no such run.
    """
    known = {kept.run: kept.folder for kept in kept_runs(home)}
    if run not in known:
        names = ", ".join(list(known)[:10]) or "none"
        raise DataError(f"no run {run!r} in the archive {home}", hint=f"Runs that exist: {names}.")
    return known[run]


@dataclass(frozen=True)
class ArchivedRun:
    """A run's folder, read record by record as they lay in the topics, repeats left out."""

    folder: Path

    @cached_property
    def name(self) -> str:
        """The run's name in the archive."""
        return run_of(self.folder)

    @cached_property
    def run(self) -> str:
        """The run's name in its records."""
        return recorded_run(self.folder)

    def written_ns(self) -> int:
        """A number that changes whenever anything is added to the run; 0 if it is gone."""
        with suppress(FileNotFoundError):
            return self.folder.stat().st_mtime_ns
        return 0

    def record(self) -> RunRecord | None:
        """What the run's sender said of it last."""
        found = None
        for row in self._rows("records", 'at_ms, "partition", "offset"'):
            found = decode(row["record"].encode(), RunRecord)
        return found

    def nodes(self) -> set[str]:
        """The nodes that it has measurements of."""
        rows = counted(self.folder, "measurements")
        if rows is None:
            return set()
        lists = f'SELECT DISTINCT nodes FROM ({rows}) WHERE NOT "final"'
        read = f"SELECT {KINDS['measurements'].shown} FROM ({lists})"
        return {node for (node,) in _fetched(f"SELECT DISTINCT unnest(nodes) FROM ({read})", {})}

    def measurements(self) -> Iterator[ConsumerRecord]:
        """The frames as records of ``grid_measurements``, each partition's in order.

        Of one that was refused, the value is the very same; of others it is written anew.
        """
        refused = dict(self._refused())
        for rows in _together(self._rows("measurements", f"{PLACE}, seq")):
            first = rows[0]
            value = refused.get((first["partition"], first["offset"]))
            yield _consumed(topics.MEASUREMENTS, first, value or encode(_frame(rows, first["run"])))

    def _refused(self) -> Iterator[tuple[tuple[int, int], bytes | None]]:
        """Places that dead letters are about, and what lay there."""
        for row in self._rows("dead_letters"):
            if row["topic"] == topics.MEASUREMENTS and "truncated" not in row["headers"]:
                texts = (row["headers"].get(name, "").encode() for name in ("partition", "offset"))
                partition, offset = (as_number(text) for text in texts)
                if partition is not None and offset is not None:
                    yield (partition, offset), row["value"]

    def windows(self, model: str) -> Iterator[ConsumerRecord]:
        """A model's final windows."""
        for row in self._rows("windows", PLACE, model):
            yield _consumed(topics.windows(model), row, encode(_window(row)))

    def alerts(self, model: str, until: datetime | None = None) -> Iterator[ConsumerRecord]:
        """A model's alerts, of windows that end by then."""
        for row in self._rows("alerts", PLACE, model, until):
            fields = {n: row[n] for n in RiskAlert.__struct_fields__ if n in row}
            fields |= {
                "timestamp": row["time"],
                "sources": [SourceShare(**source) for source in row["sources"]],
            }
            yield _consumed(topics.alerts(model), row, encode(RiskAlert(**fields)))

    def dead_letters(self) -> Iterator[ConsumerRecord]:
        """The dead letters about the run's records."""
        for row in self._rows("dead_letters", PLACE):
            headers = [(name, text.encode()) for name, text in row["headers"].items()]
            yield _consumed(topics.DEAD_LETTERS, row, row["value"], headers)

    def window_at(self, model: str, until: datetime | None) -> tuple[RiskWindow | None, float]:
        """The last window that ends by then and is final in all shards, and when it was written."""
        newest = f"SELECT max(window_end) FROM ({_WHOLE})"
        values = {"models": [model], "until": until}
        found = next(self._whole_windows(f"{_OF_MODEL} AND window_end = ({newest})", values), None)
        return found or (None, 0.0)

    def windows_until(
        self,
        models: Sequence[str],
        until: datetime | None,
        span: timedelta | None = None,
        *,
        after: datetime | None = None,
        at_once: int = 1000,
    ) -> Iterator[RiskWindow]:
        """The windows that end by then and are final in all shards, within a span; oldest first.

        ``after``: only those that end later. So many are read ``at_once``, and nothing is held in
        between.
        """
        values: dict[str, Any] = {"models": list(models), "until": until}
        whole = self._whole_ends(values)
        ends = sorted({end for _, end in whole})
        if after is not None:
            ends = [end for end in ends if end > after]
        if span is not None:
            ends = [end for end in ends if end > ends[-1] - span]
        for some in batched(ends, at_once):
            between = values | {"first": some[0], "last": some[-1]}
            where = f"{_OF_MODEL} AND window_end BETWEEN $first AND $last"
            for window, _ in list(self._whole_windows(where, between)):
                if (window.model, window.window_end) in whole:
                    yield window

    def _whole_ends(self, values: Mapping[str, Any]) -> set[tuple[str, datetime]]:
        """Models and ends of the windows that all shards have."""
        files = kind_files(self.folder, "windows")
        return set(_fetched(_WHOLE.format(files=parquet(files)), values)) if files else set()

    def _whole_windows(
        self, where: str, values: Mapping[str, Any]
    ) -> Iterator[tuple[RiskWindow, float]]:
        files = kind_files(self.folder, "windows")
        if not files:
            return
        windows = counted(self.folder, "windows", where.format(files=parquet(files)))
        query = (
            "SELECT model, window_start, window_end, flatten(list(nodes)), flatten(list(stress)), "
            f"flatten(list(risk)), max(at_ms) FROM (SELECT {KINDS['windows'].shown} "
            f"FROM ({windows}) ORDER BY shard) GROUP BY ALL ORDER BY window_end, model"
        )
        for model, start, end, nodes, stress, risk, at_ms in _fetched(query, values):
            if len(set(nodes)) < len(nodes):
                raise DataError(
                    f"run {self.name}: shards of a window ending {end} have the same nodes",
                    hint="it was worked on with two numbers of partitions",
                )
            window = RiskWindow(
                model=model,
                run=self.run,
                shard=0,
                window_start=start,
                window_end=end,
                nodes=nodes,
                stress=np.array(stress, dtype=float),
                risk=np.array(risk, dtype=float),
            )
            yield window, at_ms / 1000

    def node_until(
        self, model: str, node: str, until: datetime | None, span: timedelta
    ) -> list[tuple[float, float, float]]:
        """A node in the final windows that end by then, within a span; oldest first.

        The end of each (epoch seconds), stress (h) and risk; 0 where it has no stress.
        """
        files = kind_files(self.folder, "windows")
        if not files:
            return []
        newest = f"(SELECT max(window_end) FROM {parquet(files)} WHERE {_OF_MODEL})"
        within = f"{_OF_MODEL} AND window_end > {newest} - $span"
        windows = counted(self.folder, "windows", within)
        query = (
            "SELECT epoch(window_end), max(coalesce(stress[i], 0)), max(coalesce(risk[i], 0)) "
            f"FROM (SELECT *, list_position(nodes, $node) AS i FROM (SELECT "
            f"{KINDS['windows'].shown} FROM ({windows}))) GROUP BY window_end ORDER BY window_end"
        )
        values = {"models": [model], "until": until, "node": node, "span": span}
        return list(_fetched(query, values))

    def loads(self, begin_s: float, end_s: float) -> Iterator[tuple[float, list[str], Any, int]]:
        """Rows with a time (epoch seconds) in [begin_s, end_s): time, nodes, MW, seconds each."""
        within = 'NOT "final" AND epoch(time) >= $begin AND epoch(time) < $end'
        rows = counted(self.folder, "measurements", within)
        if rows is not None:
            query = (
                "SELECT epoch(time), nodes, load_mw, period_s FROM (SELECT "
                f"{KINDS['measurements'].shown} FROM ({rows})) ORDER BY time, zone"
            )
            yield from _fetched(query, {"begin": begin_s, "end": end_s})

    def loads_at(self, end_s: float) -> Iterator[tuple[str, list[str], list[float]]]:
        """The rows that stand for the time up to an end (epoch seconds): zone, nodes, MW."""
        within = (
            'NOT "final" AND epoch(time) < $end AND epoch(time) >= $end - 86400 '
            "AND epoch(time) + period_s >= $end"
        )
        rows = counted(self.folder, "measurements", within)
        if rows is not None:
            query = (
                "SELECT zone, nodes, load_mw FROM (SELECT "
                f"{KINDS['measurements'].shown} FROM ({rows})) ORDER BY time"
            )
            yield from _fetched(query, {"end": end_s})

    def levels_at(self, model: str, until: datetime) -> dict[str, Level]:
        """Nodes with an open alarm episode after the window that ends then, and its level."""
        alerts = counted(self.folder, "alerts", _OF_MODEL)
        if alerts is None:
            return {}
        query = (
            f"SELECT node_id, arg_max(level, time) FROM ({alerts}) "
            "GROUP BY node_id HAVING arg_max(state, time) <> 'CLEARED'"
        )
        return dict(_fetched(query, {"models": [model], "until": until}))

    def extremes(self, model: str, after: datetime | None = None) -> list[tuple[float, float, int]]:
        """Each window's end (epoch seconds), highest risk and alarms raised, of those after it.

        Only of windows that are final in all shards.
        """
        later = "model = $model AND ($after IS NULL OR window_end > $after)"
        windows = counted(self.folder, "windows", later)
        if windows is None:
            return []
        values = {"model": model, "models": [model], "after": after}
        shards = _SHARDS.format(files=parquet(kind_files(self.folder, "windows")))
        query = (
            f"SELECT epoch(window_end), max(highest_risk) FROM ({windows}) GROUP BY window_end "
            f"HAVING count(DISTINCT shard) = ({shards}) ORDER BY window_end"
        )
        raised: dict[float, int] = {}
        alerts = counted(self.folder, "alerts", f"{later} AND state = 'RAISED'")
        if alerts is not None:
            each = f"SELECT epoch(window_end), count(*) FROM ({alerts}) GROUP BY window_end"
            raised = dict(_fetched(each, {"model": model, "after": after}))
        return [(end_s, risk, raised.get(end_s, 0)) for end_s, risk in _fetched(query, values)]

    def _rows(
        self,
        kind: str,
        order: str = PLACE,
        model: str | None = None,
        until: datetime | None = None,
    ) -> Iterator[Row]:
        where, values = "true", {}
        if model is not None:
            where, values = _OF_MODEL, {"models": [model], "until": until}
        rows = counted(self.folder, kind, where, kept=True)
        if rows is None:
            return
        query = f"SELECT {KINDS[kind].shown} FROM ({rows}) ORDER BY {order}"
        with shared() as connection:
            found = connection.execute(query, values)
            names = [column[0] for column in found.description]
            while some := found.fetchmany(FETCHED_ROWS):
                for row in some:
                    yield {"run": self.run, **dict(zip(names, row, strict=True))}


_SHARDS = "SELECT count(DISTINCT shard) FROM {files} WHERE model IN $models"
_OF_MODEL = "model IN $models AND ($until IS NULL OR window_end <= $until)"
_WHOLE = (
    f"SELECT model, window_end FROM {{files}} WHERE {_OF_MODEL} GROUP BY ALL "
    f"HAVING count(DISTINCT shard) = ({_SHARDS})"
)
"""Models and ends of the windows that all shards have."""


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items that follow each other, so many at once."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def _fetched(query: str, values: Mapping[str, Any]) -> Iterator[Any]:
    with shared() as connection:
        found = connection.execute(query, values)
        while rows := found.fetchmany(FETCHED_ROWS):
            yield from rows


def _window(row: Row) -> RiskWindow:
    columns = {name: np.array(row[name], dtype=float) for name in ("stress", "risk")}
    return RiskWindow(**{name: row[name] for name in RiskWindow.__struct_fields__} | columns)


def _together(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows of one frame that follow each other; of one whose rows came before, what is left."""
    group: list[Row] = []
    for row in rows:
        last = group[-1] if group else None
        if last and (last["partition"], last["offset"], last["seq"] + 1) != (
            row["partition"],
            row["offset"],
            row["seq"],
        ):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _frame(rows: list[Row], run: str) -> MeasurementFrame:
    first = rows[0]
    return MeasurementFrame(
        run=run,
        zone=first["zone"],
        seq=first["seq"],
        timestamps=[row["time"] for row in rows],
        nodes=first["nodes"],
        load_mw=[row["load_mw"] for row in rows],
        period_s=first["period_s"],
        final=first["final"],
    )


def _consumed(topic: str, row: Row, value: bytes | None, headers: Any = ()) -> ConsumerRecord:
    return ConsumerRecord(
        topic=topic,
        partition=row["partition"],
        offset=row["offset"],
        timestamp=row["at_ms"],
        timestamp_type=0,
        key=None,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(value or b""),
        headers=headers,
    )
