"""``gridstress history``: look at archived runs, query, export and delete them."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gridstress.cli.options import AsJson, say, time_of
from gridstress.logs import printable

if TYPE_CHECKING:
    from gridstress.archive.retention import Kept

app = typer.Typer(no_args_is_help=True, help="Look at the runs that `gridstress archive` has kept.")

Run = Annotated[str, typer.Argument(help="A run's name, as `history list` shows it.")]


class Format(StrEnum):
    """A file format."""

    PARQUET = "parquet"
    CSV = "csv"


@app.command("list")
def list_runs(as_json: AsJson = False) -> None:
    """List the archived runs: period, rows, alarms, size, when they were last written."""
    from gridstress.archive.files import run_folders
    from gridstress.archive.history import summary
    from gridstress.settings import load_settings
    from topology.clock import to_iso

    found = map(summary, run_folders(load_settings().archive_dir))
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
            GROUP BY model)
        SELECT n.model, n.window_end, n.node_id, n.stress, n.risk, e.level FROM nodes n
        JOIN moment m ON n.model = m.model AND n.window_end = m.window_end
        LEFT JOIN episodes e ON e.run = n.run AND e.model = n.model AND e.node_id = n.node_id
            AND e.raised <= n.window_end AND (e.cleared IS NULL OR e.cleared > n.window_end)
        WHERE n.run = $run
        QUALIFY row_number() OVER (PARTITION BY n.model ORDER BY n.risk DESC, n.node_id) <= $limit
        ORDER BY n.model, n.risk DESC, n.node_id""",
        run=_known(run), until=until, model=model, limit=limit,
    )  # fmt: skip
    rows = [
        (*of, f"{stress:.4f}", f"{risk:.4f}", level)
        for *of, stress, risk, level in found.fetchall()
    ]
    if not rows:
        say("no node has any stress in the last final window up to then")
        return
    _table(("model", "window ends", "node", "stress (h)", "risk", "alarm"), rows)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the archive's views.")],
    as_json: AsJson = False,
) -> None:
    """Query the views measurements, windows, nodes, alerts, episodes, dead_letters, runs."""
    found = _query(query)
    head = [column[0] for column in found.description or ()]
    if as_json:
        for row in found.fetchall():
            typer.echo(json.dumps(dict(zip(head, row, strict=True)), default=str))
    else:
        _table(head, found.fetchall())


@app.command()
def export(
    run: Run,
    to: Annotated[Path, typer.Option(help="The directory for the files; made if it is not there.")],
    format_: Annotated[
        Format, typer.Option("--format", help="The files' format.")
    ] = Format.PARQUET,
) -> None:
    """Write a run's measurements, nodes, alerts, episodes and dead letters, a file each."""
    from gridstress.archive.history import open_history
    from gridstress.archive.kinds import quoted
    from gridstress.settings import load_settings

    to.mkdir(parents=True, exist_ok=True)
    connection = open_history(load_settings().archive_dir)
    for view in ("measurements", "nodes", "alerts", "episodes", "dead_letters"):
        target = to / f"{view}.{format_}"
        connection.execute(
            f"COPY (SELECT * FROM {view} WHERE run = {quoted(_known(run))}) "
            f"TO {quoted(str(target))} (FORMAT {format_})"
        )
        say(f"wrote {target}")


@app.command()
def delete(
    run: Run,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a run from the archive; Kafka keeps what it has of it."""
    from gridstress.archive.retention import delete as delete_folder

    (kept,) = [kept for kept in _kept() if kept.run == _known(run)]
    if not yes:
        typer.confirm(f"delete run {printable(run)}, {kept.size / 1e6:.1f} MB?", abort=True)
    delete_folder(kept.folder)


def _kept() -> "list[Kept]":
    from gridstress.archive.retention import kept_runs
    from gridstress.settings import load_settings

    return kept_runs(load_settings().archive_dir)


def _known(run: str) -> str:
    from topology.errors import DataError

    known = [kept.run for kept in _kept()]
    if run not in known:
        raise DataError(
            f"no run {printable(run)!r} in the archive",
            hint=f"there are {', '.join(map(printable, known)) or 'none yet'}",
        )
    return run


def _query(query: str, **values: Any) -> Any:
    import duckdb

    from gridstress.archive.history import open_history
    from gridstress.settings import load_settings
    from topology.errors import UsageError

    try:
        return open_history(load_settings().archive_dir).execute(query, values or None)
    except duckdb.Error as error:
        raise UsageError(str(error)) from None


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in columns, none of them cut: names of runs are to be copied."""
    cells = [list(head), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _text(value: Any) -> str:
    from topology.clock import to_iso

    if value is None:
        return ""
    return to_iso(value.timestamp()) if isinstance(value, datetime) else printable(str(value))
