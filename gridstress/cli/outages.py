"""``gridstress topology outages``: N-1 by DC power flow."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from topology.grid import Grid
    from topology.physics.contingency import Contingencies, Overload

SHOWN = 20


def outages(
    grid: Annotated[
        str, typer.Argument(metavar="GRID", help="As for the other commands.")
    ] = "germany",
    all_of_them: Annotated[
        bool, typer.Option("--all", help=f"Not only the {SHOWN} that load a line most.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show which lines are overloaded when another one fails (N-1, by DC power flow).

    Loads, infeeds, reactances and limits are the topology's, or follow the rules of docs/models.md.
    """
    from topology.loaders import load_grid
    from topology.physics.contingency import contingencies
    from topology.physics.power_flow import DcNetwork

    loaded = load_grid(grid)
    found = contingencies(loaded, DcNetwork.of(loaded))
    worst = sorted(found.overloads, key=lambda overload: -overload.loading)
    shown = worst if all_of_them else worst[:SHOWN]
    if as_json:
        import json

        typer.echo(json.dumps(_to_dict(loaded, found, shown), indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("outage of", "overloads")
    table.add_column("loading", justify="right")
    table.add_column("limit (MW)", justify="right")
    for overload in shown:
        table.add_row(
            _name(loaded, overload.outage),
            _name(loaded, overload.line),
            f"{overload.loading:.0%}",
            f"{found.limit_mw[overload.line]:,.0f}",
        )
    Console().print(table)
    typer.echo(
        f"{len({o.outage for o in found.overloads}):,} of {len(loaded.lines):,} outages overload "
        f"a line, at {int((found.touched > 0).sum()):,} nodes; {int(found.parts.sum()):,} part "
        "the grid and are not judged"
    )


def _to_dict(grid: "Grid", found: "Contingencies", shown: "list[Overload]") -> dict[str, Any]:
    return {
        "overloads": [
            {
                "outage": _name(grid, overload.outage),
                "overloads": _name(grid, overload.line),
                "loading": overload.loading,
                "limit_mw": float(found.limit_mw[overload.line]),
            }
            for overload in shown
        ],
        "nodes_touched": {grid.ids[i]: int(found.touched[i]) for i in found.touched.nonzero()[0]},
        "parting": [_name(grid, int(i)) for i in found.parts.nonzero()[0]],
    }


def _name(grid: "Grid", position: int) -> str:
    line = grid.lines[position]
    return f"{line.source} - {line.target}"
