"""Topics follow from the models that are enabled; without a broker."""

import pytest

from gridstress.kafka.topics import sources, topic_specs
from gridstress.settings import load_settings
from topology.loaders import load_grid
from topology.models import influence_matrices

KINDS = ("propagated_stress_", "risk_windows_", "risk_alerts_", "gridstress-risk_")


@pytest.mark.parametrize("models", ["linear", "linear,centrality", "electrical,linear,centrality"])
def test_each_enabled_model_has_topics_of_its_own_and_no_other_has_any(models: str) -> None:
    names = [spec.name for spec in topic_specs(load_settings(models=models))]
    assert len(set(names)) == len(names)
    for kind in KINDS:
        found = [name.removeprefix(kind) for name in names if name.startswith(kind)]
        assert [name.removesuffix("-changelog") for name in found] == models.split(",")


def test_the_stages_read_a_topic_of_each_model() -> None:
    assert sources(["electrical"]) == [
        "grid_measurements",
        "stress_events",
        "propagated_stress_electrical",
    ]


def test_matrices_are_built_for_the_enabled_models_in_their_order() -> None:
    given = load_settings(models="electrical,linear")
    built = influence_matrices(load_grid("germany"), given.model_names, given.influence_params)
    assert list(built) == ["electrical", "linear"]
