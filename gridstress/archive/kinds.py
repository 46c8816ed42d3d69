"""The kinds of records that are archived, as DuckDB has them: shapes, columns, keys."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PLACE = '"partition", "offset"'
ONCE = "-once.parquet"
"""How the names of files end that hold each thing once; others hold records as the log does."""

GROUP_ROWS = 2048
"""Rows that a reader of one moment reads: fewer are none of DuckDB's."""

_TEXTS = "'[\"VARCHAR\"]'"


@dataclass(frozen=True)
class Kind:
    """A kind of record: the shape of its JSON, and the columns that are made of it.

    A line of JSON has ``partition``, ``offset``, ``ts`` (the broker's time, ms) and the record
    ``r``. ``key`` names the columns that tell one thing of a run from another: of several the first
    counts; where it is empty the last. ``order`` is that of rows in a compacted file, which keeps
    one of those that are equal in ``kept``. Lists of names lie in files as JSON, which takes less
    room and time: ``lists`` says which.
    """

    shape: str
    columns: str
    key: str
    order: str
    kept: str = ""
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


def once(kind: Kind, files: Iterable[Path], where: str = "true", *, kept: bool = False) -> str:
    """Give a query for the things in some files of a run, of each the record that counts.

    Parameters
    ----------
    where
        A condition on columns of the key, so that it holds for all of a thing or none.
    kept
        Give what a compacted file keeps, which may be more.
    """
    paths = list(files)
    key = kind.kept or kind.key if kept else kind.key
    query = f"SELECT * FROM {parquet(paths)} WHERE {where}"
    if len(paths) == 1 and paths[0].name.endswith(ONCE) and key == (kind.kept or kind.key):
        return query
    by = f"PARTITION BY {key}" if key else ""
    order = PLACE if key else 'at_ms DESC, "partition" DESC, "offset" DESC'
    return f"{query} QUALIFY row_number() OVER ({by} ORDER BY {order}) = 1"


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
    return connect()


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
