"""The registry of models: each is one entry here that names its function.

Nothing but the worker and the verifier builds matrices, so that functions are imported when they
are called: listing the models needs no SciPy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import scipy.sparse as sp

    from topology.grid import Grid

Matrix: TypeAlias = "sp.csr_array"
"""K: rows are sources, columns the nodes that take stress on; all factors in (0, 1]."""

Centrality = Literal["degree", "betweenness", "eigenvector"]


@dataclass(frozen=True, slots=True)
class InfluenceParams:
    """``max_hops`` >= 0; ``decay`` in (0, 1]; ``alpha`` >= 0 weighs the centrality."""

    max_hops: int = 3
    decay: float = 0.7
    alpha: float = 0.6
    centrality: Centrality = "degree"


Build: TypeAlias = "Callable[[Grid, InfluenceParams], Matrix]"


@dataclass(frozen=True, slots=True)
class Model:
    """One way in which stress spreads.

    Attributes
    ----------
    name
        Lower-case letters, digits and ``_``: it is part of the names of topics and of a table.
    title
        Its name for people; the first word of it alone must tell the model, too.
    explanation
        One plain sentence.
    function
        ``module:name`` of the function that builds its influence matrix.
    """

    name: str
    title: str
    explanation: str
    function: str

    def build(self, grid: "Grid", params: InfluenceParams) -> Matrix:
        """K for a grid, shape (nodes, nodes): rows are sources, all factors in (0, 1]."""
        module, _, name = self.function.partition(":")
        function: Build = getattr(import_module(module), name)
        return function(grid, params)


_REGISTERED = (
    Model(
        "linear",
        "Linear attenuation",
        "Each line weakens stress by its coupling and by the sensitivity of the node it leads to.",
        "topology.influence.paths:linear_influence",
    ),
    Model(
        "centrality",
        "Centrality-based",
        "Each line weakens stress by its coupling, and well-connected nodes take on more.",
        "topology.influence.paths:centrality_influence",
    ),
    Model(
        "electrical",
        "Electrical sensitivity",
        "A node takes on the part of a rise of load that would flow through it (DC power flow).",
        "topology.influence.electrical:electrical_influence",
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _REGISTERED}
"""Every model there is, by name. A new model is one more entry."""

DEFAULT_MODELS = ("linear", "centrality")
"""Those that are enabled unless the settings say otherwise."""


def registered(names: Iterable[str]) -> list[str]:
    """Names of models, without the blanks around them.

    Raises
    ------
    ValueError
        If there is none, one that is not registered, or one twice.
    """
    found = [name.strip() for name in names]
    known = f"there are {', '.join(MODELS)}"
    if found == [""]:
        raise ValueError(f"names no model; {known}")
    for name in found:
        if name not in MODELS:
            raise ValueError(f"names an unknown model {name!r}; {known}")
    if len(set(found)) < len(found):
        raise ValueError("names a model twice")
    return found


def influence_matrices(
    grid: "Grid", models: Iterable[str], params: InfluenceParams
) -> dict[str, Matrix]:
    """K by model, in their order."""
    return {name: MODELS[name].build(grid, params) for name in models}


def title_of(name: str) -> str:
    """A model's title; of what is no registered model, the name itself as a word."""
    return MODELS[name].title if name in MODELS else name.replace("_", " ").capitalize()


def short_title_of(name: str) -> str:
    """The first word of a model's title, which tells it from the others: ``Centrality``."""
    return title_of(name).partition(" ")[0].partition("-")[0]
