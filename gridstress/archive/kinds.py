"""The kinds of records that are archived, as DuckDB has them: shapes, columns, keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gridstress.kafka.topics import MEASUREMENTS

PLACE = '"partition", "offset"'
ONCE = "-once.parquet"
"""How the names of files end that hold each thing once; others hold records as the log does."""

GROUP_ROWS = 2048
"""Rows that a reader of one moment reads: fewer are none of DuckDB's."""

SHARED_MEMORY = "512MB"
"""What questions to the archive of a worker may take."""

_TEXTS = "'[\"VARCHAR\"]'"


@dataclass(frozen=True)
class Kind:
    """A kind of record: the shape of its JSON, and the columns that are made of it.

    A line of JSON has ``partition``, ``offset``, ``ts`` (the broker's time, ms) and the record
    ``r``. ``key`` names the columns that tell one thing of a run from another: of several the first
    counts; where it is empty the last. ``order`` is that of rows in a compacted file, which keeps
    one of those that are equal in ``kept``. ``refusable``: dead letters say which do not count.
    Lists of names lie in files as JSON, which takes less room and time: ``lists`` says which.
    """

    shape: str
    columns: str
    key: str
    order: str
    kept: str = ""
    refusable: bool = False
    lists: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What a view selects of the files."""
        if not self.lists:
            return "*"
        parsed = ", ".join(f"from_json({name}, {_TEXTS}) AS {name}" for name in self.lists)
        return f"* REPLACE ({parsed})"


KINDS: Mapping[str, Kind] = {
    "measurements": Kind(
        "STRUCT(zone VARCHAR, seq BIGINT, timestamps TIMESTAMPTZ[], nodes VARCHAR[], "
        'load_mw DOUBLE[][], period_s INTEGER, "final" BOOLEAN)',
        "r.zone AS zone, r.seq + unnest(range(len(r.timestamps))) AS seq, "
        "unnest(r.timestamps) AS time, to_json(r.nodes)::VARCHAR AS nodes, "
        "unnest(r.load_mw) AS load_mw, coalesce(r.period_s, 3600) AS period_s, "
        'coalesce(r."final", false) AS "final"',
        "zone, seq",
        "time, zone, seq",
        # A frame that the workers refuse may have the number of one that they count.
        kept='zone, seq, time, nodes, load_mw, period_s, "final"',
        refusable=True,
        lists=("nodes",),
    ),
    "windows": Kind(
        "STRUCT(model VARCHAR, shard INTEGER, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, "
        "nodes VARCHAR[], stress DOUBLE[], risk DOUBLE[])",
        "r.model AS model, r.shard AS shard, r.window_start AS window_start, "
        "r.window_end AS window_end, to_json(r.nodes)::VARCHAR AS nodes, r.stress AS stress, "
        "r.risk AS risk, coalesce(list_max(r.risk), 0) AS highest_risk",
        "model, shard, window_end",
        "model, window_end, shard",
        kept="model, shard, window_end, window_start, nodes, stress, risk",
        lists=("nodes",),
    ),
    "alerts": Kind(
        "STRUCT(alert_id VARCHAR, episode_id VARCHAR, model VARCHAR, node_id VARCHAR, "
        '"timestamp" TIMESTAMPTZ, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, '
        "risk_score DOUBLE, peak_risk DOUBLE, level VARCHAR, state VARCHAR, "
        "sources STRUCT(node_id VARCHAR, share DOUBLE)[])",
        "r.alert_id AS alert_id, r.episode_id AS episode_id, r.model AS model, "
        'r.node_id AS node_id, r."timestamp" AS time, r.window_start AS window_start, '
        "r.window_end AS window_end, r.risk_score AS risk_score, "
        "r.peak_risk AS peak_risk, r.level AS level, "
        "r.state AS state, r.sources AS sources",
        "model, alert_id",
        "model, time, alert_id",
        kept="model, alert_id, episode_id, node_id, time, window_start, window_end, risk_score, "
        "peak_risk, level, state, sources",
    ),
    "records": Kind("JSON", "r AS record", "", PLACE),
    "dead_letters": Kind(
        "STRUCT(headers MAP(VARCHAR, VARCHAR), value VARCHAR)",
        "r.headers['topic'] AS topic, r.headers['stage'] AS stage, "
        "r.headers['reason'] AS reason, r.headers['detail'] AS detail, r.headers['at'] AS at, "
        "r.headers AS headers, from_base64(r.value) AS value",
        PLACE,
        PLACE,
    ),
}


def once(
    kind: Kind,
    files: Sequence[Path],
    dead_letters: Sequence[Path] = (),
    where: str = "true",
    *,
    kept: bool = False,
) -> str:
    """Give a query for the things in some files of a run, of each the record that counts.

    Parameters
    ----------
    dead_letters
        The run's files of dead letters; what one is about does not count.
    where
        A condition on columns of the key, so that it holds for all of a thing or none.
    kept
        Give what a compacted file keeps: things with other values too, and what does not count.
    """
    refused = _refused(dead_letters) if kind.refusable and dead_letters else "false"
    key = f"{kind.kept or kind.key}, {refused}" if kept else kind.key
    query = f"SELECT * FROM {parquet(files)} WHERE {where}"
    if not kept:
        query += f" AND NOT {refused}"
    by = f"PARTITION BY {key}" if kind.key else ""
    order = PLACE if kind.key else 'at_ms DESC, "partition" DESC, "offset" DESC'
    return f"{query} QUALIFY row_number() OVER ({by} ORDER BY {order}) = 1"


def _refused(dead_letters: Sequence[Path]) -> str:
    """A condition that holds for a place in ``grid_measurements`` which a dead letter is about."""
    place = "TRY_CAST(headers['partition'] AS INTEGER), TRY_CAST(headers['offset'] AS BIGINT)"
    about = f"WHERE topic = {quoted(MEASUREMENTS)} AND NOT headers['offset'] IS NULL"
    return f"(({PLACE}) IN (SELECT ({place}) FROM {parquet(dead_letters)} {about}))"


def parquet(files: Iterable[Path]) -> str:
    """Some Parquet files as a table."""
    return f"read_parquet([{', '.join(quoted(str(path)) for path in files)}])"


def connect() -> Any:
    """Give a DuckDB in memory that fetches nothing from elsewhere and shows times in UTC."""
    import duckdb  # takes a tenth of a second: not of those who only ask for names

    off = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    connection = duckdb.connect(config={"threads": 1, **off})
    connection.execute("SET TimeZone = 'UTC'; SET parquet_metadata_cache = true")
    return connection


def shared() -> Any:
    """Give a connection to the one DuckDB of this process, which is there at once."""
    return _database().cursor()


@cache
def _database() -> Any:
    database = connect()
    database.execute(f"SET memory_limit = '{SHARED_MEMORY}'; SET temp_directory = ''")
    return database


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
