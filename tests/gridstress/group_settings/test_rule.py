"""What the log of a group's settings settles, and how a difference is named."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gridstress.group_settings.fingerprint import RESULT_SETTINGS
from gridstress.group_settings.rule import (
    SCHEMA,
    Membership,
    Mine,
    SettingsRecord,
    differences,
    read_record,
    settle,
)
from gridstress.kafka.topics import MAX_RECORD_BYTES
from gridstress.settings import load_settings
from topology.errors import GridstressError
from topology.grid import Grid, Line
from topology.loaders import load_grid
from topology.loaders.refine import refine

GRID = load_grid("germany")
DEFAULTS = Mine.of(load_settings(), GRID)
STEP = Mine.of(load_settings(step_s=1800), GRID)
DECAY = Mine.of(load_settings(decay=0.5), GRID)


def first(mine: Mine) -> SettingsRecord:
    return mine.record("first", at="2026-01-01T00:00:00Z", by="test")


def accepted(mine: Mine, *runs: str) -> SettingsRecord:
    return mine.record("accepted", at="2026-01-02T00:00:00Z", by="test", runs=runs)


def differing(group: Mine, mine: Mine) -> list[str]:
    settled = settle([first(group)])
    assert settled is not None
    return differences(settled.current, mine)


def test_nothing_is_settled_by_an_empty_log_or_by_rubbish() -> None:
    assert settle([]) is None
    assert settle([None]) is None


def test_the_first_record_settles_and_others_change_nothing() -> None:
    settled = settle([None, first(STEP), first(DEFAULTS), None])
    assert settled is not None
    assert differences(settled.current, STEP) == []
    assert differences(settled.current, DEFAULTS) == ["GRIDSTRESS_STEP_S is 3600, the group's 1800"]


def test_an_accept_replaces_the_settings_and_ends_runs() -> None:
    settled = settle([first(STEP), accepted(DEFAULTS, "a", "b"), first(STEP)])
    assert settled is not None
    assert differences(settled.current, DEFAULTS) == []
    assert settled.ended_runs == {"a", "b"}
    assert differences(settled.of_run("a"), STEP) == []
    assert differences(settled.of_run("c"), DEFAULTS) == []


def test_an_accept_ends_more_runs_than_one_record_can_name() -> None:
    runs = [f"run-{number:06d}-" + "ü" * 117 for number in range(20_000)]
    records = [*DEFAULTS.announcing(runs, at="", by="test"), accepted(DEFAULTS, "one-more")]
    raw = [msgspec.json.encode(record) for record in records]
    assert max(map(len, raw)) < MAX_RECORD_BYTES - 1024
    settled = settle([first(STEP), *map(read_record, raw)])
    assert settled is not None
    assert settled.ended_runs == {*runs, "one-more"}
    assert differences(settled.of_run(runs[0]), STEP) == []
    assert len(settled.eras) == 2


def test_an_accept_that_was_cut_off_ends_nothing_and_the_next_one_ends_its_runs() -> None:
    (cut_off,) = DEFAULTS.announcing(["a"], at="", by="test")
    settled = settle([first(STEP), cut_off])
    assert settled is not None
    assert settled.ended_runs == set()
    assert settled.announced == cut_off
    assert differences(settled.current, STEP) == []
    settled = settle([first(STEP), cut_off, accepted(DEFAULTS, "b"), accepted(STEP, "c")])
    assert settled is not None
    assert settled.eras[0].ended_runs == {"a", "b"}
    assert settled.announced is None
    assert cut_off.schema > accepted(DEFAULTS).schema, "an older gridstress does not pass it over"


def test_an_accept_that_is_given_up_ends_nothing_for_good() -> None:
    (announced,) = DEFAULTS.announcing(["a"], at="", by="test")
    given_up = DEFAULTS.record("given-up", at="", by="test")
    settled = settle([first(STEP), announced, given_up])
    assert settled == settle([first(STEP)])
    settled = settle([first(STEP), announced, given_up, accepted(DEFAULTS, "b")])
    assert settled is not None
    assert settled.ended_runs == {"b"}
    assert given_up.schema == announced.schema


def test_a_run_stays_ended_when_its_settings_come_back() -> None:
    settled = settle([first(STEP), accepted(DEFAULTS, "a"), accepted(STEP, "b")])
    assert settled is not None
    assert settled.ended_runs == {"a", "b"}
    assert differences(settled.of_run("b"), DEFAULTS) == []
    ids = {era.id for era in settled.eras}
    assert len(ids) == 3, "the same settings have another id in another era"


def test_a_newer_version_adds_a_component_and_an_older_one_goes_on() -> None:
    older, newer = dict(DEFAULTS.components), {**DEFAULTS.components, "rule": "new"}
    before = settle([first(DEFAULTS)])
    other = {**newer, "rule": "?"}
    after = settle(map(first, (DEFAULTS, Mine(newer, GRID), Mine(other, GRID))))
    assert before is not None
    assert after is not None
    assert after.current.settings["rule"] == "new"
    assert after.current.id == before.current.id
    assert differences(after.current, Mine(older, GRID)) == []
    assert differences(after.current, Mine({**newer, "rule": "other"}, GRID)) == [
        "GRIDSTRESS_RULE is other, the group's new"
    ]


def test_a_record_that_contradicts_adds_nothing() -> None:
    wrong = {**STEP.components, "rule": "new"}
    settled = settle([first(DEFAULTS), first(Mine(wrong, GRID))])
    assert settled is not None
    assert "rule" not in settled.current.settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": "linear"}, "GRIDSTRESS_MODELS is linear, the group's centrality,linear"),
        ({"level_high": 0.75}, "GRIDSTRESS_LEVEL_HIGH is 0.75, the group's 0.7"),
        ({"decay": 0.5}, "GRIDSTRESS_DECAY is 0.5, the group's 0.7"),
        ({"lateness_s": 0}, "GRIDSTRESS_LATENESS_S is 0, the group's 3600"),
    ],
)
def test_a_setting_that_differs_is_named_with_both_values(
    changes: dict[str, Any], words: str
) -> None:
    assert differing(DEFAULTS, Mine.of(load_settings(**changes), GRID)) == [words]


def test_every_setting_that_decides_results_has_a_variable_to_be_named_by() -> None:
    assert set(RESULT_SETTINGS) <= load_settings().model_dump().keys()


def with_node(**changes: Any) -> Grid:
    return replace(GRID, nodes=(replace(GRID.nodes[0], **changes), *GRID.nodes[1:]))


def grids() -> Iterator[tuple[Grid, list[str]]]:
    node, line = GRID.nodes[0], GRID.lines[0]
    ends = f"{line.source} - {line.target}"
    has = f"zone {node.zone}, %s MW, sensitivity {node.sensitivity}"
    yield (
        with_node(rating_mw=1.5),
        [f"node {node.id!r} has {has % 1.5}, the group's {has % float(node.rating_mw)}"],
    )
    yield (
        replace(GRID, nodes=GRID.nodes[1:], lines=GRID.lines),
        [f"node {node.id!r} is only in the group's grid"],
    )
    extra = Line("diele", "redwitz", 1.0, 110.0, 0.5)
    yield (
        replace(GRID, lines=(*GRID.lines, extra)),
        ["line diele - redwitz (coupling 0.5, 1.0 km, 110.0 kV) is not in the group's grid"],
    )
    values = f"{line.length_km} km, {line.voltage_kv} kV"
    yield (
        replace(GRID, lines=(replace(line, coupling=0.125), *GRID.lines[1:])),
        [
            f"line {ends} (coupling 0.125, {values}) is not in the group's grid",
            f"line {ends} (coupling {line.coupling}, {values}) is only in the group's grid",
        ],
    )


@pytest.mark.parametrize(("grid", "words"), list(grids()))
def test_a_node_or_line_that_differs_is_named(grid: Grid, words: list[str]) -> None:
    assert differing(DEFAULTS, Mine.of(load_settings(), grid)) == words


def test_of_many_nodes_the_first_are_named_and_the_others_counted() -> None:
    nodes = tuple(replace(node, sensitivity=0.125) for node in GRID.nodes)
    lines = differing(DEFAULTS, Mine.of(load_settings(), replace(GRID, nodes=nodes)))
    assert len(lines) == 4
    assert lines[3] == f"more nodes that differ: {len(nodes) - 3}"


def test_two_parallel_lines_instead_of_one_are_a_difference() -> None:
    twice = replace(GRID, lines=(*GRID.lines, GRID.lines[0]))
    (line,) = differing(DEFAULTS, Mine.of(load_settings(), twice))
    assert line.startswith("grid germany, the group's germany: other lines (")


def test_of_a_grid_that_no_record_can_hold_the_hashes_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = refine(GRID, 500, seed=1)
    monkeypatch.setattr("gridstress.group_settings.rule.MAX_GRID_BYTES", 1000)
    record = first(Mine.of(load_settings(), large))
    assert record.grid_facts == b""
    settled = settle([record])
    assert settled is not None
    lines = differences(settled.current, DEFAULTS)
    assert [line.partition(" (")[0] for line in lines] == [
        f"grid germany, the group's {large.name}: other {what}"
        for what in ("node ids", "values of nodes", "lines")
    ]


def test_a_record_reads_back_as_it_was_written() -> None:
    record = accepted(STEP, "b", "a")
    assert read_record(msgspec.json.encode(record)) == record
    assert record.runs == ["a", "b"]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b"null",
        b"{}",
        b'{"schema": "x"}',
        b'{"kind":"first","settings":{},"at":"","by":""}',
        b'{"kind":"first","settings":{"step_s":1},"at":"","by":""}',
        b'{"kind":"last","settings":{"step_s":"1"},"at":"","by":""}',
        b'{"kind":"first","settings":{"step_s":"1"},"at":"","by":"","grid_facts":"!"}',
    ],
)
def test_rubbish_is_no_record(raw: bytes | None) -> None:
    assert read_record(raw) is None


@pytest.mark.parametrize("facts", [b"rubbish", b"", msgspec.json.encode({"nodes": 1})])
def test_a_description_of_the_grid_that_cannot_be_read_leaves_the_hashes(facts: bytes) -> None:
    settled = settle([msgspec.structs.replace(first(DEFAULTS), grid_facts=facts)])
    assert settled is not None
    other = Mine.of(load_settings(), with_node(rating_mw=1.5))
    (line,) = differences(settled.current, other)
    assert line.startswith("grid germany, the group's germany: other values of nodes (")


def test_a_record_of_a_newer_schema_is_never_passed_over() -> None:
    record = msgspec.structs.replace(first(DEFAULTS), schema=SCHEMA + 1)
    with pytest.raises(GridstressError, match=f"of schema {SCHEMA + 1}"):
        read_record(msgspec.json.encode(record))


def test_a_worker_keeps_the_set_that_its_stages_hold_on_to() -> None:
    membership = Membership()
    held = membership.ended_runs
    settled = settle([first(STEP), accepted(DEFAULTS, "a")])
    assert settled is not None
    membership.follow(settled)
    assert held == {"a"}
    assert membership.settings_id == settled.current.id
