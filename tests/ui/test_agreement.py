import numpy as np
import pytest
from scipy.stats import kendalltau

from ui.agreement import rank_correlation


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("nodes", [2, 3, 57, 1000])
def test_rank_correlation_is_that_of_scipy_with_few_and_many_ties(nodes: int, levels: int) -> None:
    rng = np.random.default_rng(nodes + levels)
    for _ in range(5):
        one, other = rng.integers(0, levels, (2, nodes)) / levels
        other = np.where(rng.random(nodes) < 0.5, one, other)
        expected = kendalltau(one, other).statistic
        found = rank_correlation(one, other)
        assert found == expected or (found is None and np.isnan(expected))
