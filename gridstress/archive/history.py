"""Read the archive with DuckDB: each thing once, run by run."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from gridstress.archive.files import counted, run_folders, run_of
from gridstress.archive.kinds import KINDS, Kind, connect, quoted, shared
from gridstress.archive.reading import ArchivedRun
from topology.clock import to_iso
from ui.schema.runs import PastRun, run_record

logger = logging.getLogger(__name__)


def open_history(home: Path | str, run: str | None = None) -> Any:
    """Give a DuckDB connection with a view for each kind of record, and what is made of them.

    ``measurements``, ``windows``, ``alerts``, ``dead_letters``, ``records`` have the columns of
    their kind, the first of each thing counts. ``runs`` has a row a run, ``nodes`` a row a node
    and window, ``episodes`` a row an alarm episode. The archive may be written meanwhile: what
    comes later is in the next connection. A run with a file that cannot be read is left out of
    its view, with a warning; with ``run`` that run alone is in the views, whole or not at all.

    Raises
    ------
    duckdb.Error
        If a file of ``run`` cannot be read.
    """
    connection = connect()
    folders = [f for f in run_folders(Path(home)) if run in (None, run_of(f))]
    for name, kind in KINDS.items():
        parts = {folder: part for folder in folders if (part := _part(folder, name, kind))}
        try:
            _create(connection, name, kind, parts.values())
        except duckdb.Error:  # a damaged file of one run must not hide the others
            if run is not None:
                raise
            whole = [
                part for folder, part in parts.items() if _is_readable(connection, folder, part)
            ]
            _create(connection, name, kind, whole)
    for statement in _DERIVED:
        connection.execute(statement)
    return connection


def _create(connection: Any, name: str, kind: Kind, parts: Iterable[str]) -> None:
    connection.execute(f'CREATE VIEW "{name}" AS {" UNION ALL ".join(parts) or _none(kind)}')


def _is_readable(connection: Any, folder: Path, part: str) -> bool:
    try:
        connection.execute(f"SELECT * FROM ({part}) LIMIT 0")
    except duckdb.Error as error:
        logger.warning("%s is left out: %s", folder, error)
        return False
    return True


def _part(folder: Path, name: str, kind: Kind) -> str | None:
    rows = counted(folder, name)
    return rows and f"SELECT {quoted(run_of(folder))} AS run, {kind.shown} FROM ({rows})"


def _none(kind: Kind) -> str:
    return (
        f"SELECT '' AS run, {kind.shown} FROM "
        f'(SELECT 0 AS "partition", 0 AS "offset", 0 AS at_ms, {kind.columns} '
        f"FROM (SELECT NULL::{kind.shape} AS r) WHERE false)"
    )


def summary(folder: Path) -> PastRun:
    """What a run's files come to."""
    sent, alerts = counted(folder, "measurements"), counted(folder, "alerts")
    begins = ends = None
    rows = episodes = 0
    with shared() as connection:
        if sent:
            loads = 'FILTER (NOT "final")'
            found = f"SELECT min(time) {loads}, max(time), count(*) {loads} FROM ({sent})"
            begins, ends, rows = connection.execute(found).fetchone()
        if alerts:
            found = f"SELECT count(DISTINCT (model, episode_id)) FROM ({alerts})"
            (episodes,) = connection.execute(found).fetchone()
    stats = [path.stat() for path in folder.glob("*.parquet")]
    return PastRun(
        run=run_of(folder),
        begins=begins and to_iso(begins.timestamp()),
        ends=ends and to_iso(ends.timestamp()),
        rows=rows,
        episodes=episodes,
        bytes=sum(stat.st_size for stat in stats),
        written_at=max((stat.st_mtime for stat in stats), default=0.0),
        record=run_record(ArchivedRun(folder).record()),
    )


_DERIVED = (
    """CREATE VIEW nodes AS
    SELECT run, model, shard, window_end, unnest(nodes) AS node_id, unnest(stress) AS stress,
        unnest(risk) AS risk
    FROM windows""",
    """CREATE VIEW episodes AS
    SELECT run, model, episode_id, any_value(node_id) AS node_id, min(time) AS raised,
        max(time) FILTER (state = 'CLEARED') AS cleared,
        arg_max(level, CASE level WHEN 'CRITICAL' THEN 3 WHEN 'HIGH' THEN 2 ELSE 1 END) AS level,
        max(coalesce(peak_risk, risk_score)) AS peak_risk, count(*) AS steps
    FROM alerts GROUP BY run, model, episode_id""",
    """CREATE VIEW runs AS
    WITH sent AS (
        SELECT run, min(time) FILTER (NOT "final") AS begins, max(time) AS ends,
            count(*) FILTER (NOT "final") AS rows, min(at_ms) AS first_ms, max(at_ms) AS last_ms
        FROM measurements GROUP BY run),
    alarms AS (SELECT run, count(DISTINCT episode_id) AS episodes FROM alerts GROUP BY run)
    SELECT coalesce(sent.run, records.run) AS run, begins, ends, rows,
        coalesce(episodes, 0) AS episodes, TRY(make_timestamp(first_ms * 1000)) AS first_sent,
        TRY(make_timestamp(last_ms * 1000)) AS last_sent, record
    FROM sent FULL JOIN records ON records.run = sent.run
    LEFT JOIN alarms ON alarms.run = coalesce(sent.run, records.run)""",
)
