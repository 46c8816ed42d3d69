"""``gridstress data``: list and inspect load data sets; ``fetch`` is a module of its own."""

from typing import Annotated, Any

import typer

from gridstress.cli import fetch
from gridstress.cli.load_options import LoadOptions, with_load_options
from gridstress.cli.options import AsJson

app = typer.Typer(help="List data sets, look into a load file, fetch published load.")
app.add_typer(fetch.app, name="fetch")

SHOWN_GAPS = 10


@app.command("list")
def list_sets(as_json: AsJson = False) -> None:
    """List the data sets that have a name."""
    import json

    from gridstress.datasets.catalog import catalog

    entries = catalog()
    if as_json:
        records = [
            {
                "name": entry.name,
                "title": entry.title,
                "credit": entry.credit,
                "path": entry.path and str(entry.path),
                "available": entry.available,
            }
            for entry in entries
        ]
        typer.echo(json.dumps(records, indent=1))
        return
    for entry in entries:
        typer.echo(f"{entry.name:<10} {entry.title}")
        typer.echo(f"{'':<10} {entry.credit}")
        if entry.path is not None:
            typer.echo(f"{'':<10} {entry.path if entry.available else 'not fetched'}")


@app.command()
@with_load_options
def show(
    file: Annotated[str, typer.Argument(help="A load file, or the name of a data set.")],
    *,
    reading: LoadOptions,
    as_json: AsJson = False,
) -> None:
    """Show what a file was recognised as and what it holds: period, zones, gaps.

    At the file's own resolution unless --resolution says otherwise.
    """
    import json

    from gridstress.datasets.catalog import own_file
    from gridstress.datasets.reading import full_mapping, recognise
    from topology.clock import to_iso

    series = reading.prepared(reading.open(file))
    title = series.source
    if path := own_file(file):
        title = recognise(path, full_mapping(path, reading.mapping()))[0].TITLE
    gaps = list(series.gaps())
    zones = [
        {
            "zone": name,
            "values": int(series.values[name].count()),
            "missing": int(series.values[name].isna().sum()),
            "min_mw": _rounded(series.values[name].min()),
            "mean_mw": _rounded(series.values[name].mean()),
            "max_mw": _rounded(series.values[name].max()),
        }
        for name in series.zones
    ]
    summary = {
        "file": file,
        "format": title,
        "credit": series.credit,
        "period_s": series.period_s,
        "start": to_iso(series.start.timestamp()),
        "end": to_iso(series.end.timestamp()),
        "rows": len(series.values),
        "zones": zones,
        "gaps": [
            {
                "zone": gap.zone,
                "start": to_iso(gap.start.timestamp()),
                "end": to_iso(gap.end.timestamp()),
                "rows": gap.rows,
            }
            for gap in gaps
        ],
    }
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    typer.echo(f"{file}: {title}")
    if series.credit:
        typer.echo(f"credit: {series.credit}")
    typer.echo(
        f"{summary['start']} to {summary['end']}, {len(series.values):,} rows, "
        f"one every {series.period_s // 60} min"
    )
    typer.echo(
        f"{'zone':<14}{'values':>9}{'missing':>9}{'min MW':>11}{'mean MW':>11}{'max MW':>11}"
    )
    for row in zones:
        numbers = "".join(f"{_shown(row[key]):>11}" for key in ("min_mw", "mean_mw", "max_mw"))
        typer.echo(f"{row['zone']:<14}{row['values']:>9,}{row['missing']:>9,}{numbers}")
    for gap in gaps[:SHOWN_GAPS]:
        bounds = f"{to_iso(gap.start.timestamp())} to {to_iso(gap.end.timestamp())}"
        typer.echo(f"missing: {gap.zone} {bounds} ({gap.rows:,} rows)")
    if len(gaps) > SHOWN_GAPS:
        typer.echo(f"and {len(gaps) - SHOWN_GAPS:,} more gaps (--json lists all)")


def _rounded(value: float) -> float | None:
    """Round a number for JSON; None where a zone has no value at all."""
    return None if value != value else round(float(value), 1)


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:,.1f}"
