"""``gridstress topology``: show and check grids; `topology_write` has what writes them."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridstress.cli import topology_fetch, topology_write
from gridstress.cli.grid_files import assumptions_of, print_problems
from gridstress.cli.options import AsJson, GridName

if TYPE_CHECKING:
    from rich.table import Table

    from topology.grid import Grid
    from topology.physics.contingency import Contingencies, Overload

app = typer.Typer(
    help="Show, validate, import, fetch, fit or refine a grid; see what an outage overloads."
)
app.add_typer(topology_fetch.app, name="fetch")

BAD_DATA = 4
SHOWN_OVERLOADS = 20


@app.command()
def show(
    grid: GridName = "germany",
    nodes: Annotated[bool, typer.Option("--nodes", help="Show every node.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a grid consists of, zone by zone or node by node, and what of it is assumed."""
    from topology.loaders import load_grid

    loaded = load_grid(grid)
    summary = summarise(loaded)
    if as_json:
        _print_json(summary | ({"node_list": _nodes(loaded)} if nodes else {}))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
    voltages = ", ".join(f"{kv} kV: {n}" for kv, n in summary["lines_by_kv"].items())
    console.print(f"{summary['name']}  {summary['credit']}", style="bold")
    console.print(
        f"{summary['nodes']} nodes, {summary['lines']} lines ({voltages}), "
        f"{summary['length_km']:,.0f} km, {summary['islands']} island(s)"
    )
    table = Table("zone")
    for column in ("nodes", "part of load", "rating (MW)", "largest node"):
        table.add_column(column, justify="left" if column == "largest node" else "right")
    for row in summary["zones"]:
        table.add_row(
            row["zone"],
            str(row["nodes"]),
            f"{row['zone_share']:.1%}",
            f"{row['rating_mw']:,.0f}",
            row["largest_node"],
        )
    console.print(_node_table(loaded) if nodes else table)
    for line in (*assumptions_of(loaded), summary["note"]):
        if line:
            console.print(line)


@app.command()
def validate(grid: GridName, as_json: AsJson = False) -> None:
    """Report everything that is wrong with a grid, with ids and fixes; exit code 4 for errors."""
    from topology.loaders import read_raw
    from topology.loaders.validation import validate as find_problems

    problems = find_problems(read_raw(grid))
    errors = sum(problem.level == "error" for problem in problems)
    if as_json:
        from dataclasses import asdict

        _print_json(
            {
                "grid": grid,
                "errors": errors,
                "warnings": len(problems) - errors,
                "problems": [asdict(problem) for problem in problems],
            }
        )
    else:
        print_problems(problems)
        typer.echo(f"{grid}: {errors} errors, {len(problems) - errors} warnings")
    if errors:
        raise typer.Exit(BAD_DATA)


app.command("import")(topology_write.import_grid)
app.command("refine")(topology_write.refine_grid)
app.command("fit")(topology_write.fit_grid)


@app.command()
def outages(
    grid: GridName = "germany",
    all_of_them: Annotated[
        bool, typer.Option("--all", help=f"Not only the {SHOWN_OVERLOADS} that load a line most.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show which lines are overloaded when another one fails (N-1, by DC power flow).

    Loads, infeeds, reactances and limits are the topology's, or follow the rules of docs/models.md.
    """
    from topology.loaders import load_grid
    from topology.physics.contingency import IDLE_WORDS, contingencies
    from topology.physics.power_flow import DcNetwork

    loaded = load_grid(grid)
    found = contingencies(loaded, DcNetwork.of(loaded))
    worst = sorted(found.overloads, key=lambda overload: -overload.loading)
    shown = worst if all_of_them else worst[:SHOWN_OVERLOADS]
    if as_json:
        _print_json(_to_dict(loaded, found, shown))
        return
    from rich.console import Console
    from rich.table import Table

    names = _names(loaded)
    table = Table("outage of", "overloads")
    table.add_column("loading", justify="right")
    table.add_column("limit (MW)", justify="right")
    for overload in shown:
        table.add_row(
            names[overload.outage],
            names[overload.line],
            f"{overload.loading:.0%}",
            f"{found.limit_mw[overload.line]:,.0f}",
        )
    Console().print(table)
    typer.echo(
        f"{len({o.outage for o in found.overloads}):,} of {len(loaded.lines):,} outages overload "
        f"a line, at {int((found.touched > 0).sum()):,} nodes; {int(found.parts.sum()):,} part "
        "the grid and are not judged"
    )
    if found.idle:
        typer.echo(f"note: {IDLE_WORDS}", err=True)


def summarise(grid: "Grid") -> dict[str, Any]:
    """A grid in numbers, as ``show --json`` prints it."""
    from collections import Counter

    from topology.islands import islands_of

    zones = []
    for zone in grid.zones:
        nodes = grid.nodes_of(zone)
        zones.append(
            {
                "zone": zone,
                "nodes": len(nodes),
                "zone_share": grid.zone_shares.get(zone, 0.0),
                "rating_mw": sum(node.known_rating_mw or 0.0 for node in nodes),
                "largest_node": max(nodes, key=lambda node: node.share).name,
            }
        )
    by_kv = Counter(line.voltage_kv for line in grid.lines)
    return {
        "name": grid.name,
        "credit": grid.credit,
        "note": grid.note,
        "nodes": len(grid.nodes),
        "lines": len(grid.lines),
        "lines_by_kv": {f"{kv:g}": by_kv[kv] for kv in sorted(by_kv, reverse=True)},
        "length_km": round(sum(line.length_km for line in grid.lines), 1),
        "islands": len(islands_of(grid)),
        "zones": zones,
        "assumptions": dict(grid.assumptions),
        "nodes_without_load": sum(node.share == 0 for node in grid.nodes),
    }


def _nodes(grid: "Grid") -> list[dict[str, Any]]:
    """The nodes, as ``show --nodes --json`` prints them."""
    return [
        {
            "id": node.id,
            "name": node.name,
            "zone": node.zone,
            "share": node.share,
            "rating_mw": node.known_rating_mw,
            "assumed": list(node.assumed),
        }
        for node in grid.nodes
    ]


def _node_table(grid: "Grid") -> "Table":
    from rich.table import Table

    table = Table("node", "name", "zone", "share", "rating (MW)", "assumed")
    for node in _nodes(grid):
        rating = node["rating_mw"]
        table.add_row(
            *(node["id"], node["name"], node["zone"], f"{node['share']:.3%}"),
            "-" if rating is None else f"{rating:,.1f}",
            ", ".join(node["assumed"]),
        )
    return table


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _to_dict(grid: "Grid", found: "Contingencies", shown: "list[Overload]") -> dict[str, Any]:
    names = _names(grid)
    return {
        "overloads": [
            {
                "outage": names[overload.outage],
                "overloads": names[overload.line],
                "loading": overload.loading,
                "limit_mw": float(found.limit_mw[overload.line]),
            }
            for overload in shown
        ],
        "nodes_touched": {grid.ids[i]: int(found.touched[i]) for i in found.touched.nonzero()[0]},
        "parting": [names[i] for i in found.parts.nonzero()[0]],
    }


def _names(grid: "Grid") -> list[str]:
    """The lines by their ends; parallel circuits also by their number, in the file's order."""
    ends = [frozenset((line.source, line.target)) for line in grid.lines]
    circuits, seen, names = Counter(ends), Counter[frozenset[str]](), []
    for line, pair in zip(grid.lines, ends, strict=True):
        seen[pair] += 1
        number = f", circuit {seen[pair]}" if circuits[pair] > 1 else ""
        names.append(f"{line.source} - {line.target}{number}")
    return names
