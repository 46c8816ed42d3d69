"""The verifier's influence matrices against the workers' own: two programs, one rule."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gridstress.settings import Settings
from gridstress.verify.influence import OWN, influence_of
from gridstress.verify.outcome import TOLERANCE
from tests.topology.physics.test_power_flow import line, node
from tests.topology.samples import random_grid
from topology.grid import Grid
from topology.loaders import load_grid
from topology.loaders.refine import refine
from topology.models import MODELS, influence_matrices

FORBIDDEN = (
    "agents",
    "tables",
    "topology.influence.adjacency",
    "topology.influence.betweenness",
    "topology.influence.centrality",
    "topology.influence.electrical",
    "topology.influence.paths",
    "topology.physics.power_flow",
    "topology.shards",
)
"""What the workers reckon with."""


def settings(model: str, **values: object) -> Settings:
    return Settings(_env_file=None, models=model, **values)  # type: ignore[arg-type]


def assert_equal(grid: Grid, model: str, **values: object) -> None:
    asked = settings(model, **values)
    (theirs,) = influence_matrices(grid, asked.model_names, asked.influence_params).values()
    ours = influence_of(model, grid, asked)
    assert ((ours > 0) != (theirs > 0)).nnz == 0
    apart = abs(ours - theirs).toarray()
    assert (apart <= TOLERANCE * theirs.toarray()).all()
    assert ours.nnz > len(grid.nodes) or not grid.lines


def test_every_registered_model_is_worked_out_anew() -> None:
    assert OWN.keys() == MODELS.keys()


@pytest.mark.parametrize("model", OWN)
@pytest.mark.parametrize("nodes", [57, 600])
def test_germany_is_equal(model: str, nodes: int) -> None:
    germany = load_grid("germany")
    assert_equal(germany if nodes == 57 else refine(germany, nodes), model)


@pytest.mark.parametrize("model", OWN)
def test_hvdc_links_and_nodes_without_load_are_equal(model: str) -> None:
    germany = load_grid("germany")
    lines = tuple(replace(e, dc=i % 5 == 0) for i, e in enumerate(germany.lines))
    nodes = tuple(
        replace(n, share=0.0, rating_mw=np.inf) if i % 4 == 0 else n
        for i, n in enumerate(germany.nodes)
    )
    assert_equal(replace(germany, lines=lines, nodes=nodes), model)


@pytest.mark.parametrize("model", OWN)
@pytest.mark.parametrize("seed", range(8))
def test_grids_with_islands_and_parallel_lines_are_equal(model: str, seed: int) -> None:
    assert_equal(random_grid(seed), model)


@pytest.mark.parametrize("max_hops", [0, 1, 2, 5, 10])
def test_paths_of_any_length_are_equal(max_hops: int) -> None:
    values = {"max_hops": max_hops, "decay": 0.95, "alpha": 3.0}
    for model in ("linear", "centrality"):
        given = settings(model, **values)
        (theirs,) = influence_matrices(
            random_grid(3), given.model_names, given.influence_params
        ).values()
        ours = influence_of(model, random_grid(3), settings(model, **values))
        np.testing.assert_allclose(ours.toarray(), theirs.toarray(), rtol=TOLERANCE)


@pytest.mark.parametrize("kind", ["betweenness", "eigenvector"])
@pytest.mark.parametrize("nodes", [57, 300, 1_100])
def test_centralities_are_equal(kind: str, nodes: int) -> None:
    """Of 1,100 nodes betweenness is estimated."""
    germany = load_grid("germany")
    grid = germany if nodes == 57 else refine(germany, nodes)
    assert_equal(grid, "centrality", centrality=kind, max_hops=1)


@pytest.mark.parametrize("kind", ["degree", "betweenness", "eigenvector"])
@pytest.mark.parametrize("seed", range(6))
def test_centralities_of_random_grids_are_equal(kind: str, seed: int) -> None:
    assert_equal(random_grid(seed), "centrality", centrality=kind)


@pytest.mark.parametrize("model", OWN)
@pytest.mark.parametrize("kind", ["degree", "betweenness", "eigenvector"])
def test_grids_of_a_node_or_two_are_equal(model: str, kind: str) -> None:
    for grid in (
        Grid("one", (node("a", 1),), ()),
        Grid("apart", (node("a"), node("b")), ()),
        Grid("pair", (node("a", 1), node("b")), (line("a", "b"),)),
        Grid("loop", (node("a", 1), node("b")), (line("a", "b"), line("b", "b"))),
    ):
        assert_equal(grid, model, centrality=kind)


@pytest.mark.parametrize("kv", [220.0, 380.0])
def test_what_a_line_lacks_is_filled_in_alike(kv: float) -> None:
    ends = ("ab", "bc", "ac", "cd", "cd")
    lines = [replace(line(*pair, ohm=None), voltage_kv=kv) for pair in ends]
    lines.append(replace(line("a", "d", ohm=-3.0, limit=77.0), length_km=55.0))
    assert_equal(Grid("ring", tuple(map(node, "abcd")), tuple(lines)), "electrical")
    fed = (node("a", 10.0), *map(node, "bcdef"))
    apart = Grid("fed", fed, (*lines, line("e", "f")))
    assert_equal(apart, "electrical")


def test_verifying_loads_nothing_that_the_workers_reckon_with() -> None:
    script = """
import sys
from gridstress.settings import Settings
from gridstress.verify import run, report
from gridstress.verify.compare import compare
from gridstress.verify.recompute import recompute
from gridstress.verify.records import measurement_of, parse
from topology.loaders import load_grid
raw = b'{"run":"r","zone":"Amprion","seq":0,"timestamps":["2025-01-01T00:00:00Z"],'
raw += b'"nodes":["kruckel"],"load_mw":[[9000]]}'
settings = Settings(_env_file=None, models="linear,centrality,electrical")
result = recompute([measurement_of(parse(raw))], load_grid("germany"), settings)
assert result.models["electrical"].risk.any()
forbidden = sys.argv[1].split(",")
print(*(m for m in sys.modules if any(f"{m}.".startswith(f"{f}.") for f in forbidden)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, ",".join(FORBIDDEN)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
