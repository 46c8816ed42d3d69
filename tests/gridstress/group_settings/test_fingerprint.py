"""The fingerprint changes with everything that decides results, and with nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from gridstress.group_settings.fingerprint import (
    RESULT_SETTINGS,
    digest,
    fingerprint,
    grid_fingerprint,
    result_settings,
)
from gridstress.settings import Settings, load_settings
from topology.grid import Grid
from topology.loaders import load_grid

DEFAULTS = load_settings()
GRID = load_grid("germany")
OTHER_VALUES: dict[str, Any] = {
    "step_s": 1800,
    "size_s": 43_200,
    "lateness_s": 0,
    "max_ahead_s": 86_400,
    "stress_threshold": 0.86,
    "max_hops": 2,
    "decay": 0.71,
    "alpha": 0.61,
    "centrality": "betweenness",
    "level_warning": 0.51,
    "level_high": 0.71,
    "level_critical": 0.91,
    "level_clear": 0.41,
}
INDIFFERENT: dict[str, Any] = {
    "broker": "kafka://elsewhere:9092",
    "partitions": 8,
    "group": "another",
    "replication": 3,
    "data_dir": "elsewhere",
    "store": "memory",
    "idle_timeout_s": 1.0,
    "models": "centrality,linear",
    "view_interval_s": 5.0,
    "web_port": 7000,
}


def changed(settings: Settings = DEFAULTS, grid: Grid = GRID) -> list[str]:
    """Components that differ from those of the default settings and the German grid."""
    before = result_settings(DEFAULTS, GRID)
    after = result_settings(settings, grid)
    assert before.keys() == after.keys()
    assert (fingerprint(settings, grid) == digest(before)) == (before == after)
    return [name for name in before if before[name] != after[name]]


def with_node(**changes: Any) -> Grid:
    return replace(GRID, nodes=(replace(GRID.nodes[0], **changes), *GRID.nodes[1:]))


def with_line(**changes: Any) -> Grid:
    return replace(GRID, lines=(replace(GRID.lines[0], **changes), *GRID.lines[1:]))


def test_every_setting_that_decides_results_changes_its_own_component() -> None:
    assert set(OTHER_VALUES) == set(RESULT_SETTINGS)
    for name, value in OTHER_VALUES.items():
        assert changed(load_settings(**{name: value})) == [name]
    assert changed(load_settings(models="linear")) == ["models"]


@pytest.mark.parametrize("name", INDIFFERENT)
def test_a_setting_that_decides_no_result_changes_nothing(name: str) -> None:
    assert getattr(DEFAULTS, name) != INDIFFERENT[name]
    assert changed(load_settings(**{name: INDIFFERENT[name]})) == []


@pytest.mark.parametrize(
    ("grid", "components"),
    [
        (with_node(zone="elsewhere"), ["node_values"]),
        (with_node(rating_mw=1.0), ["node_values"]),
        (with_node(sensitivity=0.123), ["node_values"]),
        (replace(GRID, nodes=GRID.nodes[1:]), ["node_ids", "node_values"]),
        (with_line(coupling=0.123), ["lines"]),
        (with_line(reactance_ohm=0.123), ["lines"]),
        (with_line(length_km=0.123), ["lines"]),
        (with_line(voltage_kv=110.0), ["lines"]),
        (with_line(dc=True), ["lines"]),
        (replace(GRID, lines=GRID.lines[1:]), ["lines"]),
    ],
)
def test_what_decides_results_in_a_grid_changes_its_component(
    grid: Grid, components: list[str]
) -> None:
    assert changed(grid=grid) == components
    assert grid_fingerprint(grid) != grid_fingerprint(GRID)


@pytest.mark.parametrize(
    "grid",
    [
        replace(GRID, name="another", note="a note", credit="a credit"),
        replace(GRID, nodes=GRID.nodes[::-1], lines=GRID.lines[::-1]),
        with_node(name="another", lat=0.0, lon=0.0, share=0.123, generation_mw=1.0),
        with_node(assumed=("share",)),
        with_line(source=GRID.lines[0].target, target=GRID.lines[0].source, limit_mw=1.0),
        with_line(voltage_kv=int(GRID.lines[0].voltage_kv)),
    ],
)
def test_what_decides_no_result_in_a_grid_changes_nothing(grid: Grid) -> None:
    assert changed(grid=grid) == []
    assert grid_fingerprint(grid) == grid_fingerprint(GRID)


def test_a_fingerprint_is_the_same_on_every_machine() -> None:
    assert digest({"b": "2", "a": "1"}) == digest({"a": "1", "b": "2"})
    # sha256 of [["a","1"],["b","2"]]
    expected = "5f13efef7cdd95e7a0171a4cc6ef643955a42f10ad9dd98c6b2f1f4e6903f7f5"
    assert digest({"a": "1", "b": "2"}) == expected
