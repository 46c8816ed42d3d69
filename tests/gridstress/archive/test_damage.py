"""Damaged, foreign and half-made files cost what is in them, and nothing else."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from gridstress.archive.files import POSITION, RUNS, Archive, Reached, recorded_run, run_folder
from gridstress.archive.history import open_history, summary
from gridstress.archive.reading import ArchivedRun
from gridstress.archive.retention import delete_old, kept_runs
from tests.gridstress.archive.test_files import flush, line, rows


def dead_letter(offset: int, headers: dict[str, str]) -> tuple[tuple[str, str], bytes]:
    record = {"headers": {"topic": "grid_measurements", **headers}, "value": "e30="}
    text = json.dumps({"partition": 0, "offset": offset, "ts": 5, "r": record})
    return ("r", "dead_letters"), text.encode() + b"\n"


def test_without_a_position_nothing_is_deleted_and_nothing_mixed(tmp_path: Path) -> None:
    flush(Archive.open(tmp_path), line(0, 0), line(1, 1), upto=2)
    (tmp_path / POSITION).unlink()
    archive = Archive.open(tmp_path)
    assert archive.reached == {}
    assert [seq for _, seq, _ in rows(tmp_path)] == [0, 1]
    flush(archive, line(0, 0), upto=1)
    assert sorted(seq for _, seq, _ in rows(tmp_path)) == [0, 0, 1]
    assert len(kept_runs(tmp_path)) == 2


def test_what_was_reached_of_a_former_log_is_forgotten(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    archive.flush({}, {("dead_letters", 0): Reached(5, 4, "x")})
    archive.begin_log()
    flush(archive, line(0, 0), upto=1)
    assert ("dead_letters", 0) not in Archive.open(tmp_path).reached


@pytest.mark.parametrize("name", ["demo.part", "x~part", "~none", "lock", "."])
def test_a_run_may_be_called_like_our_own_files(tmp_path: Path, name: str) -> None:
    flush(Archive.open(tmp_path), line(0, 0, run=name), upto=1)
    Archive.open(tmp_path)
    assert [run for run, *_ in rows(tmp_path)] == [name]


@pytest.mark.parametrize("headers", [{}, {"partition": "x", "offset": "y"}, {"offset": "0"}])
def test_a_dead_letter_without_a_place_is_about_none(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    flush(Archive.open(tmp_path), line(0, 0), line(1, 1), dead_letter(3, headers), upto=4)
    assert [seq for _, seq, _ in rows(tmp_path)] == [0, 1]
    assert len(list(ArchivedRun(run_folder(tmp_path, "r")).measurements())) == 2


def test_what_was_refused_and_sent_again_counts_everywhere(tmp_path: Path) -> None:
    archive, folder = Archive.open(tmp_path), run_folder(tmp_path, "r")
    refused = dead_letter(3, {"partition": "0", "offset": "0"})
    flush(archive, line(0, 0), line(1, 0), refused, upto=4)
    for _ in range(2):
        assert rows(tmp_path) == [("r", 0, [1.5, 0.1 + 0.2])]
        assert [load for _, _, load, _ in ArchivedRun(folder).loads(0, 4e9)] == [[1.5, 0.1 + 0.2]]
        assert summary(folder).rows == 1
        assert len(list(ArchivedRun(folder).measurements())) == 2
        archive.compact(folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"run": 1}'])
def test_a_run_whose_name_cannot_be_read_is_left_out(tmp_path: Path, text: str) -> None:
    flush(Archive.open(tmp_path), line(0, 0), line(0, 0, run="other"), upto=1)
    (run_folder(tmp_path, "r") / "run.json").write_text(text)
    assert [run for run, *_ in rows(tmp_path)] == ["other"]
    assert [kept.run for kept in kept_runs(tmp_path)] == ["other"]
    Archive.open(tmp_path)


def test_a_damaged_file_hides_no_other_run(tmp_path: Path) -> None:
    flush(Archive.open(tmp_path), line(0, 0), line(0, 0, run="other"), upto=1)
    (path,) = run_folder(tmp_path, "r").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])
    assert [run for run, *_ in rows(tmp_path)] == ["other"]


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    flush(Archive.open(tmp_path), line(0, 0), upto=1)
    (tmp_path / RUNS / "r/x-5.parquet").mkdir()
    (tmp_path / RUNS / "foreign").mkdir()
    (tmp_path / RUNS / "foreign/x.parquet").write_bytes(b"")
    (tmp_path / RUNS / "x.part").write_bytes(b"")
    Archive.open(tmp_path)
    assert [kept.run for kept in kept_runs(tmp_path)] == ["r"]
    assert (tmp_path / RUNS / "foreign/x.parquet").exists()


def test_a_deletion_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    archive, folder = Archive.open(tmp_path), run_folder(tmp_path, "r")
    flush(archive, line(0, 0), upto=1)
    folder.rename(folder.with_name("r~part"))
    assert kept_runs(tmp_path) == []
    flush(archive, line(1, 1), upto=2)
    assert [seq for _, seq, _ in rows(tmp_path)] == [1]
    Archive.open(tmp_path)
    assert [path.name for path in (tmp_path / RUNS).iterdir()] == ["r"]


def test_runs_that_give_way_get_names_of_their_own_and_keep_that_of_their_records(
    tmp_path: Path,
) -> None:
    archive = Archive.open(tmp_path)
    for _ in range(3):
        flush(archive, line(0, 0), upto=1)
        archive.begin_log()
    flush(archive, line(0, 0), upto=1)
    names = {kept.run: recorded_run(kept.folder) for kept in kept_runs(tmp_path)}
    assert len(names) == 4
    assert set(names.values()) == {"r"}
    former = max(names, key=len)
    archive.begin_log()
    flush(archive, line(5, 0, run=former), upto=6)
    recorded = [recorded_run(kept.folder) for kept in kept_runs(tmp_path)]
    assert sorted(recorded) == sorted(["r"] * 4 + [former])


def test_the_oldest_goes_first_even_if_it_is_small(tmp_path: Path) -> None:
    archive, rng = Archive.open(tmp_path), random.Random(1)
    flush(archive, line(0, 0, run="old"), upto=1)
    many = (line(i, i, load=rng.random(), run="mid") for i in range(3000))
    flush(archive, *many, upto=3000)
    flush(archive, line(0, 0, run="new"), upto=3001)
    for run, hours in (("old", 50), ("mid", 40), ("new", 30)):
        for path in run_folder(tmp_path, run).glob("*.parquet"):
            at_s = path.stat().st_mtime - hours * 3600
            os.utime(path, (at_s, at_s))
    sizes = {kept.run: kept.size for kept in kept_runs(tmp_path)}
    gone = delete_old(tmp_path, 0, (sizes["new"] + sizes["mid"]) / 1e9)
    assert [kept.run for kept in gone] == ["old"]


def test_a_record_of_the_far_future_hides_no_run(tmp_path: Path) -> None:
    place, text = line(0, 0)
    record: dict[str, Any] = json.loads(text)
    record["ts"] = 2**60
    flush(Archive.open(tmp_path), (place, json.dumps(record).encode() + b"\n"), upto=1)
    found = open_history(tmp_path).execute("SELECT run, first_sent FROM runs").fetchall()
    assert found == [("r", None)]
