"""The influence matrices that the settings ask for."""

from gridstress.settings import Settings
from topology.grid import Grid
from topology.influence import InfluenceParams, Matrix
from topology.models import MODELS


def params_of(settings: Settings) -> InfluenceParams:
    """The parameters of influence that the settings say."""
    return InfluenceParams(settings.max_hops, settings.decay, settings.alpha, settings.centrality)


def influence_matrices(
    grid: Grid, settings: Settings, params: InfluenceParams | None = None
) -> dict[str, Matrix]:
    """K by enabled model, in the order of the settings; ``params`` instead of the settings' own."""
    params = params or params_of(settings)
    return {name: MODELS[name].build(grid, params) for name in settings.model_names}
