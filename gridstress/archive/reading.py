"""Read an archived run as records of the topics that it was read from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from gridstress.archive.files import kind_files, recorded_run, run_of
from gridstress.archive.kinds import KINDS, PLACE, once, parquet, shared
from gridstress.archive.retention import kept_runs
from gridstress.kafka import topics
from topology.errors import DataError
from topology.messages import (
    Level,
    MeasurementFrame,
    RiskAlert,
    RiskWindow,
    RunRecord,
    SourceShare,
    decode,
    encode,
)

Row = Mapping[str, Any]
FETCHED_ROWS = 1000


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

    def record(self) -> RunRecord | None:
        """What the run's sender said of it last."""
        found = None
        for row in self._rows("records", 'at_ms, "partition", "offset"'):
            found = decode(row["record"].encode(), RunRecord)
        return found

    def measurements(self) -> Iterator[ConsumerRecord]:
        """The frames as records of ``grid_measurements``, each partition's in order.

        Of one that was refused, the value is the very same; of others it is written anew.
        """
        refused = {
            (int(row["headers"]["partition"]), int(row["headers"]["offset"])): row["value"]
            for row in self._rows("dead_letters")
            if row["topic"] == topics.MEASUREMENTS and "truncated" not in row["headers"]
        }
        for rows in _together(self._rows("measurements", f"{PLACE}, seq")):
            first = rows[0]
            value = refused.get((first["partition"], first["offset"]))
            yield _consumed(topics.MEASUREMENTS, first, value or encode(_frame(rows, first["run"])))

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
        """The last final window that ends by then, of all shards, and when it was written."""
        newest = f"window_end = (SELECT max(window_end) FROM {{files}} WHERE {_OF_MODEL})"
        window = next(self._whole_windows([model], until, newest), None)
        return (window and window[0], window[1]) if window else (None, 0.0)

    def windows_until(
        self, models: Sequence[str], until: datetime | None, span: timedelta | None = None
    ) -> Iterator[RiskWindow]:
        """The final windows that end by then, of all shards, within a span; oldest first."""
        where = "true"
        if span is not None:
            newest = f"(SELECT max(window_end) FROM {{files}} WHERE {_OF_MODEL})"
            where = f"window_end > {newest} - INTERVAL {span.total_seconds():.0f} SECONDS"
        return (window for window, _ in self._whole_windows(models, until, where))

    def _whole_windows(
        self, models: Sequence[str], until: datetime | None, where: str
    ) -> Iterator[tuple[RiskWindow, float]]:
        files = kind_files(self.folder, "windows")
        if not files:
            return
        of_models = f"{_OF_MODEL} AND {where.format(files=parquet(files))}"
        query = (
            "SELECT model, window_start, window_end, flatten(list(nodes)), flatten(list(stress)), "
            f"flatten(list(risk)), max(at_ms) FROM (SELECT {KINDS['windows'].shown} "
            f"FROM ({once(KINDS['windows'], files, of_models)}) ORDER BY shard) "
            "GROUP BY ALL ORDER BY window_end, model"
        )
        for model, start, end, nodes, stress, risk, at_ms in _fetched(
            query, {"models": list(models), "until": until}
        ):
            window = RiskWindow(
                model=model,
                run=self.run,
                shard=0,
                window_start=start,
                window_end=end,
                nodes=nodes,
                stress=stress,
                risk=risk,
            )
            yield window, at_ms / 1000

    def loads(self, begin_s: float, end_s: float) -> Iterator[tuple[float, list[str], Any, int]]:
        """Rows with a time (epoch seconds) in [begin_s, end_s): time, nodes, MW, seconds each."""
        files = kind_files(self.folder, "measurements")
        if not files:
            return
        within = 'NOT "final" AND epoch(time) >= $begin AND epoch(time) < $end'
        query = (
            "SELECT epoch(time), nodes, load_mw, period_s "
            f"FROM (SELECT {KINDS['measurements'].shown} "
            f"FROM ({once(KINDS['measurements'], files, within)})) ORDER BY time, zone"
        )
        yield from _fetched(query, {"begin": begin_s, "end": end_s})

    def levels_at(self, model: str, until: datetime) -> dict[str, Level]:
        """Nodes with an open alarm episode after the window that ends then, and its level."""
        files = kind_files(self.folder, "alerts")
        if not files:
            return {}
        query = (
            f"SELECT node_id, arg_max(level, time) FROM {parquet(files)} "
            f"WHERE {_OF_MODEL} "
            "GROUP BY node_id HAVING arg_max(state, time) <> 'CLEARED'"
        )
        return dict(_fetched(query, {"models": [model], "until": until}))

    def extremes(self, model: str) -> list[tuple[float, float]]:
        """The highest risk of each window, by its end in epoch seconds."""
        files = kind_files(self.folder, "windows")
        if not files:
            return []
        query = (
            f"SELECT epoch(window_end), max(highest_risk) FROM {parquet(files)} "
            "WHERE model = $model GROUP BY window_end ORDER BY window_end"
        )
        return list(_fetched(query, {"model": model}))

    def _rows(
        self,
        kind: str,
        order: str = PLACE,
        model: str | None = None,
        until: datetime | None = None,
    ) -> Iterator[Row]:
        files = kind_files(self.folder, kind)
        if not files:
            return
        where, values = "true", {}
        if model is not None:
            where, values = _OF_MODEL, {"models": [model], "until": until}
        counted = once(KINDS[kind], files, where, kept=True)
        query = f"SELECT {KINDS[kind].shown} FROM ({counted}) ORDER BY {order}"
        with shared() as connection:
            found = connection.execute(query, values)
            names = [column[0] for column in found.description]
            while rows := found.fetchmany(FETCHED_ROWS):
                for row in rows:
                    yield {"run": self.run, **dict(zip(names, row, strict=True))}


_OF_MODEL = "model IN $models AND ($until IS NULL OR window_end <= $until)"


def _fetched(query: str, values: Mapping[str, Any]) -> Iterator[Any]:
    with shared() as connection:
        found = connection.execute(query, values)
        while rows := found.fetchmany(FETCHED_ROWS):
            yield from rows


def _window(row: Row) -> RiskWindow:
    return RiskWindow(**{name: row[name] for name in RiskWindow.__struct_fields__})


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
