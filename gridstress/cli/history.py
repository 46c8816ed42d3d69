"""``gridstress history``: look at archived runs, query, export and delete them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gridstress.cli.options import AsJson, say, time_of
from gridstress.logs import printable

if TYPE_CHECKING:
    from gridstress.archive.query import Rows
    from gridstress.archive.retention import Kept

app = typer.Typer(no_args_is_help=True, help="Look at the runs that `gridstress archive` has kept.")

Run = Annotated[str, typer.Argument(help="A run's name, as `history list` shows it.")]
_EXPORTED = ("measurements", "nodes", "alerts", "episodes", "dead_letters")


class Format(StrEnum):
    """A file format."""

    PARQUET = "parquet"
    CSV = "csv"


@app.command("list")
def list_runs(as_json: AsJson = False) -> None:
    """List the archived runs: period, rows, alarms, size, when they were last written."""
    from gridstress.archive.files import run_folders
    from gridstress.archive.history import summary
    from gridstress.archive.query import read_archive
    from gridstress.settings import load_settings
    from topology.clock import to_iso

    home = load_settings().archive_dir
    found = read_archive(home, lambda: list(map(summary, run_folders(home))))
    runs = sorted((run for run in found if run.run), key=lambda run: -run.written_at)
    if as_json:
        for run in runs:
            typer.echo(msgspec.json.encode(run).decode())
        return
    _table(
        ("run", "begins", "ends", "rows", "alarms", "MB", "state", "written"),
        [
            (
                run.run,
                run.begins,
                run.ends,
                f"{run.rows:,}",
                run.episodes,
                f"{run.bytes / 1e6:.1f}",
                run.record.state if run.record else "",
                to_iso(run.written_at // 1),
            )
            for run in runs
        ],
    )


@app.command()
def show(
    run: Run,
    at: Annotated[
        str | None, typer.Option(help="An event time (ISO-8601, UTC by default).")
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Nodes shown a model.")] = 10,
) -> None:
    """Show the nodes with the highest risk in the last final window at a time, and their alarms."""
    until = None if at is None else time_of("at", at)
    found = _query(
        """
        WITH moment AS (
            SELECT model, max(window_end) AS window_end FROM windows
            WHERE run = $run AND ($until IS NULL OR epoch(window_end) <= $until)
                AND ($model IS NULL OR model = $model)
            GROUP BY model),
        alarms AS (
            SELECT model, node_id, arg_max(level, time) AS level FROM alerts
            JOIN moment USING (model)
            WHERE run = $run AND time <= moment.window_end
            GROUP BY model, node_id HAVING arg_max(state, time) <> 'CLEARED')
        SELECT n.model, n.window_end, n.node_id, n.stress, n.risk, a.level FROM nodes n
        JOIN moment m ON n.model = m.model AND n.window_end = m.window_end
        LEFT JOIN alarms a ON a.model = n.model AND a.node_id = n.node_id
        WHERE n.run = $run
        QUALIFY row_number() OVER (PARTITION BY n.model ORDER BY n.risk DESC, n.node_id) <= $limit
        ORDER BY n.model, n.risk DESC, n.node_id""",
        run=_kept(run).run, until=until, model=model, limit=limit,
    )  # fmt: skip
    rows = [(*of, f"{stress:.4f}", f"{risk:.4f}", level) for *of, stress, risk, level in found.rows]
    if not rows:
        say("no node has any stress in the last final window up to then")
        return
    _table(("model", "window ends", "node", "stress (h)", "risk", "alarm"), rows)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the archive's views.")],
    as_json: AsJson = False,
) -> None:
    """Query the views measurements, windows, nodes, alerts, episodes, dead_letters, runs.

    It only reads. A table is printed once all rows are there, as they set its widths: for many
    take --json, an object a row as it is read, or `history export`. In JSON, times are ISO-8601,
    what JSON does not know (NaN, infinity) is null, and columns need names of their own.
    """
    found = _query(query)
    if not as_json:
        _table(found.columns, found.rows)
        return
    _refuse_equal_names(found.columns)
    for row in found.rows:
        typer.echo(json.dumps(_plain(dict(zip(found.columns, row, strict=True))), allow_nan=False))


@app.command()
def export(
    run: Run,
    to: Annotated[
        Path,
        typer.Option(file_okay=False, help="The directory for the files; made if it is not there."),
    ],
    format_: Annotated[
        Format, typer.Option("--format", help="The files' format.")
    ] = Format.PARQUET,
) -> None:
    """Write a run's measurements, nodes, alerts, episodes and dead letters, a file each."""
    from gridstress.archive.query import read_archive
    from gridstress.settings import load_settings
    from topology.errors import DataError

    home, known = load_settings().archive_dir, _kept(run).run
    try:
        to.mkdir(parents=True, exist_ok=True)
        for view in _EXPORTED:
            (to / f"{view}.{format_}").open("ab").close()
    except OSError as error:
        raise DataError(f"{error.filename or to} cannot be written: {error.strerror}") from None
    for path in read_archive(home, lambda: _copied(home, known, to, format_)):
        say(f"wrote {path}")


def _copied(home: Path, run: str, to: Path, form: Format) -> list[Path]:
    from gridstress.archive.history import open_history
    from gridstress.archive.kinds import quoted

    connection, written = open_history(home, run), []
    for view in _EXPORTED:
        written.append(to / f"{view}.{form}")
        connection.execute(
            f"COPY (SELECT * FROM {view} WHERE run = {quoted(run)}) "
            f"TO {quoted(str(written[-1]))} (FORMAT {form})"
        )
    return written


@app.command()
def delete(
    run: Run,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a run from the archive; Kafka keeps what it has of it."""
    from gridstress.archive.retention import delete as delete_folder
    from topology.errors import DataError

    kept = _kept(run)
    if not yes:
        typer.confirm(f"delete run {printable(run)}, {kept.size / 1e6:.1f} MB?", abort=True)
    try:
        delete_folder(kept.folder)
    except OSError as error:
        raise DataError(f"{kept.folder}: cannot be deleted: {error.strerror}") from None


def _kept(run: str) -> "Kept":
    from gridstress.archive.query import read_archive
    from gridstress.archive.retention import kept_runs
    from gridstress.settings import load_settings
    from topology.errors import DataError

    home = load_settings().archive_dir
    known = {kept.run: kept for kept in read_archive(home, lambda: kept_runs(home))}
    if run not in known:
        raise DataError(
            f"no run {printable(run)!r} in the archive",
            hint=f"there are {', '.join(map(printable, known)) or 'none yet'}",
        )
    return known[run]


def _query(query: str, **values: Any) -> "Rows":
    from gridstress.archive.query import query_archive
    from gridstress.settings import load_settings

    return query_archive(load_settings().archive_dir, query, values or None)


def _refuse_equal_names(columns: Sequence[str]) -> None:
    from topology.errors import UsageError

    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UsageError(
            f"several columns are called {', '.join(map(printable, twice))}",
            hint="name them with AS, or leave --json out",
        )


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return _iso(value) if isinstance(value, datetime) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in columns, none of them cut: names of runs are to be copied."""
    cells = [list(head), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _iso(value) if isinstance(value, datetime) else printable(str(value))


def _iso(moment: datetime) -> str:
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return utc.isoformat().replace("+00:00", "Z")
