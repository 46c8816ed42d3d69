"""The archive's files: whole after any interruption, each thing once, none beyond its time."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gridstress.archive import files
from gridstress.archive.files import RUNS, Archive, Reached, run_folder
from gridstress.archive.history import open_history
from gridstress.archive.retention import GOING_S, delete_old, kept_runs
from topology.errors import DataError, UsageError

TP = "grid_measurements", 0


class CutError(Exception):
    """In place of a kill."""


def line(offset: int, seq: int, load: float = 1.5, run: str = "r") -> tuple[tuple[str, str], bytes]:
    record = {
        "zone": "north", "seq": seq, "timestamps": ["2025-01-01T00:00:00Z"], "nodes": ["a", "b"],
        "load_mw": [[load, 0.1 + 0.2]],
    }  # fmt: skip
    text = json.dumps({"partition": 0, "offset": offset, "ts": 1_000 + offset, "r": record})
    return (run, "measurements"), text.encode() + b"\n"


def flush(archive: Archive, *lines: tuple[tuple[str, str], bytes], upto: int) -> None:
    by_kind: dict[tuple[str, str], list[bytes]] = {}
    for place, text in lines:
        by_kind.setdefault(place, []).append(text)
    archive.flush(by_kind, {TP: Reached(upto, upto - 1, "d")})


def rows(home: Path) -> list[Any]:
    query = "SELECT run, seq, load_mw FROM measurements ORDER BY run, seq"
    return list(open_history(home).execute(query).fetchall())


def test_what_was_flushed_is_read_as_the_same_doubles(tmp_path: Path) -> None:
    flush(Archive.open(tmp_path), line(0, 0), line(1, 1, load=1 / 3), upto=2)
    assert rows(tmp_path) == [("r", 0, [1.5, 0.1 + 0.2]), ("r", 1, [1 / 3, 0.1 + 0.2])]
    assert Archive.open(tmp_path).reached == {TP: Reached(2, 1, "d")}


@pytest.mark.parametrize("cut", ["_sync", "_write_parquet", "_replace", "quoted"])
def test_a_flush_that_is_cut_off_counts_wholly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    flush(Archive.open(tmp_path), line(0, 0), upto=1)
    work: Callable[..., Any] = getattr(files, cut)
    for step in range(20):
        calls = iter(range(step))

        def stops(*given: Any, calls: Any = calls) -> Any:
            if next(calls, None) is None:
                raise CutError
            return work(*given)

        archive = Archive.open(tmp_path)
        monkeypatch.setattr(files, cut, stops)
        with suppress(CutError):
            flush(archive, line(1, 1), line(2, 0, run="other"), upto=3)
        monkeypatch.setattr(files, cut, work)
        whole = Archive.open(tmp_path).reached == {TP: Reached(3, 2, "d")}
        names = [(run, seq) for run, seq, _ in rows(tmp_path)]
        assert names == ([("other", 0), ("r", 0), ("r", 1)] if whole else [("r", 0)]), step
        assert not list(tmp_path.rglob("*.part"))
        if whole:
            break
    assert whole
    assert step > 0


def test_of_what_comes_again_the_first_counts_before_and_after_compaction(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    flush(archive, line(0, 0, load=1.0), upto=1)
    flush(archive, line(1, 0, load=2.0), line(2, 1), upto=3)
    first = [("r", 0, [1.0, 0.1 + 0.2]), ("r", 1, [1.5, 0.1 + 0.2])]
    assert rows(tmp_path) == first
    folder = run_folder(tmp_path, "r")
    older = (folder / "measurements-00000001.parquet").read_bytes()
    archive.compact(folder)
    (only,) = folder.glob("*.parquet")
    assert only.name == "measurements-00000002-once.parquet"
    assert rows(tmp_path) == first
    # Cut off before the older files were deleted:
    (folder / "measurements-00000001.parquet").write_bytes(older)
    assert rows(tmp_path) == first
    archive.compact(folder)
    assert list(folder.glob("*.parquet")) == [only]
    assert rows(tmp_path) == first


def test_every_run_has_a_folder_whatever_its_name(tmp_path: Path) -> None:
    names = ["a/b", "a_b", "..", "a'b", "é" * 60, "x" * 128, ""]
    flush(Archive.open(tmp_path), *(line(i, 0, run=name) for i, name in enumerate(names)), upto=9)
    assert sorted(run for run, *_ in rows(tmp_path)) == sorted(names)
    assert sorted(kept.run for kept in kept_runs(tmp_path)) == sorted(names)
    assert {path.parent for path in (tmp_path / RUNS).iterdir()} == {tmp_path / RUNS}


def test_an_empty_archive_can_be_asked_everything(tmp_path: Path) -> None:
    connection = open_history(tmp_path)
    for view in ("measurements", "windows", "nodes", "alerts", "episodes", "dead_letters", "runs"):
        assert connection.execute(f"SELECT * FROM {view}").fetchall() == []


def test_a_position_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    Archive.open(tmp_path)
    (tmp_path / files.POSITION).write_text("{")
    with pytest.raises(DataError, match=r"position\.json cannot be read") as caught:
        Archive.open(tmp_path)
    assert "delete it" in caught.value.hint


def test_an_archive_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        Archive.locked(tmp_path),
        pytest.raises(UsageError, match="another process"),
        Archive.locked(tmp_path),
    ):
        pass
    with Archive.locked(tmp_path):
        pass


def test_the_oldest_runs_go_by_age_and_by_size_and_none_that_may_go_on(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    for number in range(4):
        flush(archive, line(number, 0, run=f"run {number}"), upto=number + 1)
    sizes = {kept.run: kept.size for kept in kept_runs(tmp_path)}
    for number, hours in enumerate((100 * 24, 30, 28, 1)):
        for path in run_folder(tmp_path, f"run {number}").glob("*.parquet"):
            at_s = path.stat().st_mtime - hours * 3600
            os.utime(path, (at_s, at_s))
    assert [kept.run for kept in delete_old(tmp_path, 90, 0)] == ["run 0"]
    assert delete_old(tmp_path, 0, 0) == []
    two = (sizes["run 3"] + sizes["run 2"]) / 1e9
    assert [kept.run for kept in delete_old(tmp_path, 0, two)] == ["run 1"]
    assert GOING_S > 3600
    assert [kept.run for kept in delete_old(tmp_path, 0, 1e-9)] == ["run 2"]
    assert [kept.run for kept in kept_runs(tmp_path)] == ["run 3"]


def test_a_run_of_the_same_name_in_topics_made_anew_is_another_run(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    flush(archive, line(0, 0, load=1.0), upto=1)
    archive.logs += 1
    flush(archive, line(0, 0, load=2.0), upto=1)
    flush(Archive.open(tmp_path), line(1, 1, load=3.0), upto=2)
    former, *_ = (run for run, *_ in rows(tmp_path) if run != "r")
    assert former.startswith("r (until 20")
    loads = [(run, seq, load[0]) for run, seq, load in rows(tmp_path)]
    assert loads == [("r", 0, 2.0), ("r", 1, 3.0), (former, 0, 1.0)]


def test_many_files_are_put_together_while_a_run_goes_on(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    folder = run_folder(tmp_path, "r")
    for number in range(2 * files.MANY):
        flush(archive, line(number, number), upto=number + 1)
        archive.compact(folder, whole=False)
        assert len(list(folder.glob("*.parquet"))) <= files.MANY
    assert [seq for _, seq, _ in rows(tmp_path)] == list(range(2 * files.MANY))


def test_large_files_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive.open(tmp_path)
    for number in range(6):
        flush(archive, line(number, number), upto=number + 1)
    folder = run_folder(tmp_path, "r")
    size = max(path.stat().st_size for path in folder.glob("*.parquet"))
    monkeypatch.setattr(files, "MERGED_BYTES", 2 * size)
    archive.compact(folder)
    assert len(list(folder.glob("*.parquet"))) == 3
    assert [seq for _, seq, _ in rows(tmp_path)] == list(range(6))


def test_compaction_keeps_when_a_run_was_written(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    flush(archive, line(0, 0), upto=1)
    flush(archive, line(1, 1), upto=2)
    folder = run_folder(tmp_path, "r")
    for path in folder.glob("*.parquet"):
        os.utime(path, (1_000.0, 1_000.0))
    archive.compact(folder)
    assert [kept.written_s for kept in kept_runs(tmp_path)] == [1_000.0]


def test_a_refused_frame_hides_none_that_counts(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    headers = {"topic": "grid_measurements", "partition": "0", "offset": "0"}
    dead = {"partition": 0, "offset": 0, "ts": 5, "r": {"headers": headers, "value": "e30="}}
    letter = ("r", "dead_letters"), json.dumps(dead).encode() + b"\n"
    flush(archive, line(0, 0, load=9.0), line(1, 0, load=2.0), letter, upto=2)
    counted = [("r", 0, [2.0, 0.1 + 0.2])]
    assert rows(tmp_path) == counted
    archive.compact(run_folder(tmp_path, "r"))
    assert rows(tmp_path) == counted
