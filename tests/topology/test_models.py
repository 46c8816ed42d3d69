import re
import subprocess
import sys

import pytest

from topology.loaders import load_grid
from topology.models import DEFAULT_MODELS, MODELS, InfluenceParams, Model


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_an_entry_has_what_topics_pages_and_workers_need(model: Model) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", model.name)
    assert model.explanation.endswith(".")
    assert model.build(load_grid("germany"), InfluenceParams()).shape == (57, 57)


def test_models_are_distinguished_by_the_first_word_of_their_titles() -> None:
    assert len({re.split("[ -]", model.title)[0] for model in MODELS.values()}) == len(MODELS)


def test_the_two_models_of_the_beginning_stay_the_default() -> None:
    assert DEFAULT_MODELS == ("linear", "centrality")


def test_to_ask_which_models_there_are_loads_no_mathematics() -> None:
    code = "import sys, topology.models; print('scipy' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
