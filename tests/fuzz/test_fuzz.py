"""A slice of the fuzzers that runs with every test; ``docs/fuzzing.md`` tells of the long runs."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import targets
from tests.support import examples

TARGETS = targets()
DAMAGED = examples.number(gate=60, explore=2000)
"""Damaged inputs that each target gets here."""


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_without_fault_are_taken(name: str) -> None:
    for data in TARGETS[name].seeds:
        TARGETS[name].check(data)


@pytest.mark.explore
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_break_no_promise(name: str, explore_seed: str) -> None:
    target = TARGETS[name]
    for number in range(DAMAGED):
        rng = random.Random(f"{name}/{explore_seed}/{number}")
        data = mutate(rng.choice(target.seeds), rng, target.seeds)
        target.check(data)


@settings(suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(TARGETS)), st.binary(max_size=300) | st.text(max_size=100))
@example("pypsa", b"")
def test_any_bytes_break_no_promise(name: str, data: bytes | str) -> None:
    target = TARGETS.get(name) or TARGETS[f"grid-{name}"]
    target.check(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))


BROKEN = {
    "a MATPOWER row with too many columns": (
        "grid-matpower",
        b"function mpc = c\nmpc.baseMVA = 1;\nmpc.bus = [\n1 " + b"1 " * 40 + b";\n];\n",
    ),
    "a PyPSA row with more values than columns": (
        "grid-pypsa",
        b"name\nn1\n\x1ename,bus0,bus1\n\x1ename,bus,p_set\n\x1ename,l\n1,2,3,4\n",
    ),
    "settings that are not text": ("settings", b"GRIDSTRESS_GROUP=\xfd"),
    "a view without key or value": ("results", b"3"),
    "a status that is not text": ("results", b'2{"worker":"\xcb"}'),
    "a window that is cut off": ("results", b'0{"model":"linear"'),
    "a window of a node that is not there": ("results", b""),
    "a view of another grid": ("results", b""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_once_broke_a_promise_does_not_again(what: str) -> None:
    name, data = BROKEN[what]
    window, _, _, view = TARGETS["results"].seeds[:4]
    if what == "a window of a node that is not there":
        data = window.replace(b'"c"', b'"x"')
    if what == "a view of another grid":
        data = view.replace(b"[0.7,0.0,0.2]", b"[0.7]").replace(b"[0.7, 0.0, 0.2]", b"[0.7]")
    TARGETS[name].check(data)
