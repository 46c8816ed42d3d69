from pathlib import Path

import pytest

from tests.chaos.acts.workers import damage


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for name in ("table/000001.sst", "table/CURRENT", "table/LOG", "worker.lock"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000))
    return tmp_path / "data"


def contents(state: Path) -> dict[str, bytes]:
    return {str(p.relative_to(state)): p.read_bytes() for p in state.rglob("*") if p.is_file()}


def test_deleted_state_is_gone(state: Path) -> None:
    damage(state, "deleted", 1)
    assert not state.exists()


@pytest.mark.parametrize("how", ["truncated", "corrupted"])
@pytest.mark.parametrize("seed", range(5))
def test_some_state_is_damaged_and_nothing_else(state: Path, how: str, seed: int) -> None:
    before = contents(state)
    hit = damage(state, how, seed)
    after = contents(state)
    assert hit
    assert {name for name in before if before[name] != after[name]} == set(hit)
    assert not {"table/LOG", "worker.lock"} & set(hit)
    if how == "truncated":
        assert {len(after[name]) for name in hit} == {500}


def test_state_that_never_was_cannot_be_damaged(tmp_path: Path) -> None:
    assert damage(tmp_path / "none", "truncated", 1) == []
