"""The models, registered: each is one entry here, and its function stands where the entry says.

Nothing but the worker and the verifier builds matrices, so that functions are imported when they
are called: whoever only asks which models there are does without SciPy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from topology.grid import Grid
    from topology.influence import InfluenceParams, Matrix

    Build: TypeAlias = Callable[[Grid, InfluenceParams], Matrix]


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

    def build(self, grid: "Grid", params: "InfluenceParams") -> "Matrix":
        """K for a grid, shape (nodes, nodes): rows are sources, all factors in (0, 1]."""
        module, _, name = self.function.partition(":")
        function: Build = getattr(import_module(module), name)
        return function(grid, params)


_REGISTERED = (
    Model(
        "linear",
        "Linear attenuation",
        "Each line weakens stress by its coupling and by the sensitivity of the node it leads to.",
        "topology.influence:linear_influence",
    ),
    Model(
        "centrality",
        "Centrality-based",
        "Each line weakens stress by its coupling, and well-connected nodes take on more.",
        "topology.influence:centrality_influence",
    ),
    Model(
        "electrical",
        "Electrical sensitivity",
        "A node takes on the part of a rise of load that would flow through it (DC power flow).",
        "topology.electrical:electrical_influence",
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _REGISTERED}
"""Every model there is, by name. A new model is one more entry."""

DEFAULT_MODELS = ("linear", "centrality")
"""Those that are enabled unless the settings say otherwise."""


def title_of(name: str) -> str:
    """A model's title; of what is no registered model, the name itself as a word."""
    return MODELS[name].title if name in MODELS else name.replace("_", " ").capitalize()


def short_title_of(name: str) -> str:
    """The first word of a model's title, which tells it from the others: ``Centrality``."""
    return title_of(name).partition(" ")[0].partition("-")[0]
