"""The influence matrices of the models that are enabled."""

from gridstress.settings import Settings
from topology.grid import Grid
from topology.influence import InfluenceParams, Matrix
from topology.models import MODELS


def influence_matrices(grid: Grid, settings: Settings) -> dict[str, Matrix]:
    """Build each enabled model's matrix, by name, in the settings' order."""
    params = InfluenceParams(settings.max_hops, settings.decay, settings.alpha, settings.centrality)
    return {name: MODELS[name].build(grid, params) for name in settings.model_names}
