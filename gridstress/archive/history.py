"""Read the archive with DuckDB: each thing once, run by run."""

from pathlib import Path
from typing import Any

from gridstress.archive.files import NAME, RUNS, kind_files, run_of
from gridstress.archive.kinds import KINDS, Kind, connect, once, parquet, quoted, shared
from gridstress.archive.reading import ArchivedRun
from gridstress.kafka.topics import MEASUREMENTS
from topology.clock import to_iso
from ui.schema.runs import PastRun, run_record


def open_history(home: Path) -> Any:
    """Give a DuckDB connection with a view for each kind of record, and what is made of them.

    ``measurements``, ``windows``, ``alerts``, ``dead_letters``, ``records`` have the columns of
    their kind, the first of each thing counts. ``runs`` has a row a run, ``nodes`` a row a node
    and window, ``episodes`` a row an alarm episode. The archive may be written meanwhile: what
    comes later is in the next connection.
    """
    connection = connect()
    folders = run_folders(home)
    for name, kind in KINDS.items():
        parts = [_part(folder, name, kind) for folder in folders if kind_files(folder, name)]
        query = " UNION ALL ".join(parts) or _none(kind)
        connection.execute(f'CREATE VIEW "{name}" AS {query}')
    for statement in _DERIVED:
        connection.execute(statement)
    return connection


def run_folders(home: Path) -> list[Path]:
    """The folders of an archive's runs, by name; that of records without a run is one of them."""
    return [folder for folder in sorted((home / RUNS).glob("*")) if (folder / NAME).exists()]


def _part(folder: Path, name: str, kind: Kind) -> str:
    dead, where = kind_files(folder, "dead_letters"), "true"
    if name == "measurements" and dead:
        where = (
            '("partition", "offset") NOT IN (SELECT (h[\'partition\']::INTEGER, '
            f"h['offset']::BIGINT) FROM (SELECT headers AS h FROM {parquet(dead)} "
            f"WHERE topic = {quoted(MEASUREMENTS)}))"
        )
    counted = once(kind, kind_files(folder, name), where)
    return f"SELECT {quoted(run_of(folder))} AS run, {kind.shown} FROM ({counted})"


def _none(kind: Kind) -> str:
    return (
        f"SELECT '' AS run, {kind.shown} FROM "
        f'(SELECT 0 AS "partition", 0 AS "offset", 0 AS at_ms, {kind.columns} '
        f"FROM (SELECT NULL::{kind.shape} AS r) WHERE false)"
    )


def summary(folder: Path) -> PastRun:
    """What a run's files come to."""
    sent, alerts = kind_files(folder, "measurements"), kind_files(folder, "alerts")
    begins = ends = None
    rows = episodes = 0
    with shared() as connection:
        if sent:
            loads = 'FILTER (NOT "final")'
            found = (
                f"SELECT min(time) {loads}, max(time), count(*) {loads} "
                f"FROM ({once(KINDS['measurements'], sent)})"
            )
            begins, ends, rows = connection.execute(found).fetchone()
        if alerts:
            found = f"SELECT count(DISTINCT (model, episode_id)) FROM {parquet(alerts)}"
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
        coalesce(episodes, 0) AS episodes, make_timestamp(first_ms * 1000) AS first_sent,
        make_timestamp(last_ms * 1000) AS last_sent, record
    FROM sent FULL JOIN records ON records.run = sent.run
    LEFT JOIN alarms ON alarms.run = coalesce(sent.run, records.run)""",
)
