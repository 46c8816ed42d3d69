"""`gridstress topology import`, `refine` and `fit`: commands that write a grid as our JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridstress.cli.grid_files import print_problems, refuse_to_replace, write_grid
from gridstress.cli.load_options import LoadOptions, with_load_options
from gridstress.cli.options import GridName, say
from topology.errors import UsageError

if TYPE_CHECKING:
    from gridstress.replay.fit import Fit

SHOWN_NODES = 5

Output = Annotated[Path, typer.Option("-o", "--output", help="JSON file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]


def import_grid(
    source: GridName,
    output: Output,
    name: Annotated[str | None, typer.Option(help="Name of the grid; else the source's.")] = None,
    zones: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Zones of the nodes: `country` or `operator`, as the grid names them; `nearest`, "
            "the grid's own, and the nearest node's where there is none; or a GeoJSON file of "
            "areas.",
        ),
    ] = None,
    shares: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Each node's share of its zone's load: by the loads of the grid (`p_set`), by "
            "the `capacity` or number (`degree`) of the lines that end there, `uniform`, or a "
            "CSV file with the columns node,share. Default: p_set, else capacity.",
        ),
    ] = None,
    ratings: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="FACTOR",
            help="Ratings over the nodes' own loads, or over their parts of --peak-mw "
            "(default: 1.2).",
        ),
    ] = None,
    peak_mw: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Set the ratings for a total load with this peak, for replaying another load "
            "than the grid's own.",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Convert a grid to our JSON, fill in what its format lacks, say what was assumed, check it."""
    from topology.loaders import build_grid, rated_for, read_raw, total_load_mw, validate

    refuse_to_replace(output, force)
    raw = read_raw(source, zones, shares)
    raw.name = name or raw.name
    print_problems(validate(raw))
    grid = build_grid(raw)
    if peak_mw is not None or ratings is not None:
        total_mw = peak_mw or total_load_mw(raw)
        if not total_mw:
            raise UsageError(
                f"{source} has no loads that ratings could go by",
                hint="add --peak-mw with the peak of the whole load, or leave --ratings out and "
                "fit them to a load with `gridstress topology fit`",
            )
        grid = rated_for(grid, total_mw, **({} if ratings is None else {"margin": ratings}))
    write_grid(grid, output)


def refine_grid(
    nodes: Annotated[int, typer.Option(min=1, max=100_000, help="How many it shall have.")],
    output: Output,
    grid: GridName = "germany",
    seed: Annotated[int, typer.Option(help="Of the division.")] = 0,
    force: Force = False,
) -> None:
    """Divide a grid's substations, to try how everything behaves at size."""
    from topology.loaders import load_grid
    from topology.loaders.refine import refine

    refuse_to_replace(output, force)
    write_grid(refine(load_grid(grid), nodes, seed), output)


@with_load_options
def fit_grid(
    grid: GridName,
    load: Annotated[str, typer.Option(help="A load file, or the name of a data set.")],
    output: Output,
    *,
    reading: LoadOptions,
    stressed: Annotated[
        str, typer.Option(help="Part of the node-hours that shall be stressed: 3% or 0.03.")
    ] = "3%",
    force: Force = False,
) -> None:
    """Set a grid's ratings so that a load stresses a chosen part of the node-hours.

    Those are the hours of all nodes that have a load; stressed is a node above
    GRIDSTRESS_STRESS_THRESHOLD of its rating.
    """
    from dataclasses import replace

    from gridstress.replay.fit import fit_ratings
    from gridstress.settings import load_settings
    from topology.loaders import load_grid

    refuse_to_replace(output, force)
    part = _part_of(stressed)
    loaded = load_grid(grid)
    threshold = load_settings().stress_threshold
    series = replace(reading.for_grid(load, loaded, threshold), source=Path(load).name)
    found = fit_ratings(loaded, series, part, threshold)
    write_grid(found.grid, output)
    _report(found)


def _part_of(text: str) -> float:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise UsageError(f"--stressed {text!r} is not a part like 3% or 0.03") from None


def _report(found: "Fit") -> None:
    names = {node.id: node.name for node in found.grid.nodes}
    ever = sum(part > 0 for part in found.hours.values())
    say(
        f"{found.stressed:.2%} of {found.node_hours:,} node-hours are stressed, at {ever:,} of "
        f"{len(found.hours):,} nodes with load; margins {found.margins[0]:.3f} to "
        f"{found.margins[1]:.3f}"
    )
    worst = sorted(found.hours.items(), key=lambda one: (-one[1], one[0]))[:SHOWN_NODES]
    say("most often: " + ", ".join(f"{names[node]} {part:.1%}" for node, part in worst if part))
    if found.without_load:
        say(f"the load has no zone {', '.join(found.without_load)}: ratings there stay")
