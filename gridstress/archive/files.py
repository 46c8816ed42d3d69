"""The archive's files: Parquet for each run and kind of record at each flush, and a position.

``position.json`` says up to which offset of each partition all records are in files. It is written
last, so it commits a flush: what a flush that was cut off has left is deleted and read again.
"""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from gridstress.archive.kinds import GROUP_ROWS, KINDS, ONCE, Kind, connect, once, quoted
from topology.clock import to_iso
from topology.errors import DataError, UsageError
from ui.reports import report_name

logger = logging.getLogger(__name__)

POSITION = "position.json"
RUNS = "runs"
NAME = "run.json"
HALF_MADE = "~part"
"""How folders end that are being made or deleted; that of a run never does."""
MERGED_BYTES = 64 << 20
"""Size of a compacted file, about: several times as much memory is needed to make it."""
MANY = 32
"""So many files of a kind are compacted while their run goes on."""

_SHAPE = "\"partition\": 'INTEGER', \"offset\": 'BIGINT', ts: 'BIGINT', r: "


@dataclass(frozen=True)
class Reached:
    """How far a partition is in files: the next offset, and the last record's offset and digest."""

    next: int
    last: int
    digest: str


@dataclass
class Archive:
    """Writes flushes into a directory; one process at a time.

    Attributes
    ----------
    logs
        How often topics have been made anew: a run of that name is another one then.
    reached
        By topic and partition, as the last flush that was complete has left it.
    """

    home: Path
    flushes: int = 0
    logs: int = 0
    reached: dict[tuple[str, int], Reached] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def locked(cls, home: Path) -> Iterator["Archive"]:
        """Open or begin an archive for this process alone; errors as of `open`.

        Raises
        ------
        UsageError
            If another process writes it, or the directory cannot be made.
        """
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = (home / "lock").open("a+")
        except OSError as error:
            raise UsageError(f"{home}: cannot be written: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"another process writes the archive {home}",
                    hint="one is enough; or give this one a directory of its own: "
                    "GRIDSTRESS_ARCHIVE_DIR",
                ) from None
            yield cls.open(home)

    @classmethod
    def open(cls, home: Path) -> "Archive":
        """Open or begin an archive, and delete what was cut off.

        Raises
        ------
        DataError
            If the position cannot be read.
        """
        try:
            (home / RUNS).mkdir(parents=True, exist_ok=True)
            found = cls(home)
            if (home / POSITION).exists():
                found._read_position()
                _delete_cut_off(home, found.flushes)
            else:
                found._begin_behind_files()
        except OSError as error:
            raise DataError(f"the archive {home} cannot be opened: {error}") from None
        return found

    def _read_position(self) -> None:
        place = self.home / POSITION
        try:
            known = json.loads(place.read_text("utf-8"))
            self.flushes, self.logs = int(known["flushes"]), int(known["logs"])
            self.reached = {(t, p): Reached(*rest) for t, p, *rest in known["reached"]}
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{place} cannot be read: {error}",
                hint="delete it: what Kafka still has is then archived again, as runs of their own",
            ) from None

    def _begin_behind_files(self) -> None:
        """Begin a new log, without a position: nothing that is there is touched."""
        files = [path for path in self.home.glob(f"{RUNS}/*/*") if path.suffix == ".parquet"]
        self.flushes = max(map(_flush_of, files), default=0)
        self.logs = 1 + max(map(_log_of, run_folders(self.home)), default=-1)
        _delete_cut_off(self.home, self.flushes)

    def begin_log(self) -> None:
        """Take what comes for records of topics that were made anew."""
        self.logs += 1
        self.reached.clear()

    def flush(
        self,
        lines: Mapping[tuple[str, str], Iterable[bytes]],
        reached: Mapping[tuple[str, int], Reached],
    ) -> None:
        """Write lines of JSON by run and kind, then the position; all of it or nothing counts.

        Raises
        ------
        OSError
            If the disk is full or refuses; nothing has counted then.
        """
        number = self.flushes + 1
        folders = set()
        with connect() as connection:
            for (run, kind), some in lines.items():
                folder = self._folder_for(run)
                _write_parquet(connection, KINDS[kind], some, folder / f"{kind}-{number:08}")
                folders.add(folder)
        for folder in (*folders, self.home / RUNS):
            _sync(folder)
        both = self.reached | dict(reached)
        known = {
            "flushes": number,
            "logs": self.logs,
            "reached": [[t, p, r.next, r.last, r.digest] for (t, p), r in sorted(both.items())],
        }
        _replace(self.home / POSITION, json.dumps(known).encode())
        self.flushes, self.reached = number, both

    def _folder_for(self, run: str) -> Path:
        """The folder of a run, made if it is new; one of a former log's run gives way."""
        folder = run_folder(self.home, run)
        if folder.exists() and _log_of(folder) != self.logs:
            name, former = self._former(run, folder)
            _replace(folder / NAME, _name(name, _log_of(folder), recorded_run(folder)))
            folder.rename(former)
            _sync(former.parent)
        if not folder.exists():
            new = folder.with_name(folder.name + HALF_MADE)
            if new.exists():  # half made, or half deleted
                shutil.rmtree(new)
            new.mkdir()
            _replace(new / NAME, _name(run, self.logs, run))
            new.rename(folder)
        return folder

    def _former(self, run: str, folder: Path) -> tuple[str, Path]:
        """A name and a place for a run that gives way."""
        written = max((p.stat().st_mtime for p in folder.glob("*.parquet")), default=0.0)
        for number in count(1):
            again = f", {number}" if number > 1 else ""
            name = f"{run} (until {to_iso(written // 1)}{again})"
            former = run_folder(self.home, name)
            if not former.exists():
                return name, former
        raise AssertionError  # count has no end

    def compact(self, folder: Path, *, whole: bool = True) -> None:
        """Put a run's files of each kind together, with each thing once.

        A compacted file has the number of the newest that is in it. If it is cut off, those are
        there still, and what two files have counts once.

        Parameters
        ----------
        whole
            Whether the run is quiet; while it goes on, only `MANY` files are put together.

        Raises
        ------
        OSError
            If the disk is full or refuses; all is as before then.
        """
        for name, kind in KINDS.items():
            dead_letters = kind_files(folder, "dead_letters")
            for group in _groups(kind_files(folder, name)):
                compacted = len(group) == 1 and group[0].name.endswith(ONCE)
                if not compacted and (whole or len(group) >= MANY):
                    query = once(kind, group, dead_letters, kept=True)
                    target = folder / f"{name}-{_flush_of(group[-1]):08}{ONCE}"
                    _merge(f"{query} ORDER BY {kind.order}", group, target)


def _delete_cut_off(home: Path, flushes: int) -> None:
    """Delete what a flush, a compaction or a deletion has left half-made."""
    for path in home.glob(f"{RUNS}/*{HALF_MADE}"):
        shutil.rmtree(path)
    for path in home.glob(f"{RUNS}/*/*"):
        if path.is_file() and (path.suffix == ".part" or _flush_of(path) > flushes):
            path.unlink()


def run_folders(home: Path) -> list[Path]:
    """The folders of an archive's runs, by name; that of records without a run is one of them.

    One whose name cannot be read is left out, with a warning.
    """
    found = []
    for folder in sorted((home / RUNS).glob("*")):
        if not folder.name.endswith(HALF_MADE) and (folder / NAME).exists():
            try:
                _named(folder)
            except DataError as error:
                logger.warning("an archived run is left out: %s", error)
            else:
                found.append(folder)
    return found


def counted(folder: Path, name: str, where: str = "true", *, kept: bool = False) -> str | None:
    """Give a query for a kind of record of a run, as `once`; None where there are none."""
    files = kind_files(folder, name)
    dead_letters = kind_files(folder, "dead_letters")
    return once(KINDS[name], files, dead_letters, where, kept=kept) if files else None


def kind_files(folder: Path, kind: str) -> list[Path]:
    """The files of a kind of record in a run's folder, in the order of their flushes."""
    return sorted(folder.glob(f"{kind}-*.parquet"), key=lambda path: (_flush_of(path), path.name))


def _groups(files: Iterable[Path]) -> list[list[Path]]:
    """Files that follow each other, of `MERGED_BYTES` together at most, or one."""
    groups: list[list[Path]] = []
    room = 0
    for path in files:
        size = path.stat().st_size
        if not groups or size > room:
            groups.append([])
            room = MERGED_BYTES
        groups[-1].append(path)
        room -= size
    return groups


def _merge(query: str, group: list[Path], target: Path) -> None:
    part = target.with_suffix(".part")
    written = group[-1].stat()
    with connect() as connection:
        _copy(connection, query, part)
    os.utime(part, ns=(written.st_atime_ns, written.st_mtime_ns))
    _sync(part)
    part.rename(target)
    _sync(target.parent)
    for path in group:
        if path != target:
            path.unlink()


def run_of(folder: Path) -> str:
    """The name of the run whose folder it is."""
    name: str = _named(folder)["run"]
    return name


def recorded_run(folder: Path) -> str:
    """The name that the run has in its records: a later run of that name may have taken it."""
    return str(_named(folder)["recorded"])


def _log_of(folder: Path) -> int:
    return int(_named(folder)["log"])


def _named(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / NAME).read_text("utf-8"))
        return {"run": str(found["run"]), "log": int(found["log"]), "recorded": found["recorded"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / NAME} cannot be read: {error!r}") from None


def _name(run: str, log: int, recorded: str) -> bytes:
    return json.dumps({"run": run, "log": log, "recorded": recorded}).encode()


def run_folder(home: Path, run: str) -> Path:
    """The folder of a run; each run has its own, and so have records of none (``""``)."""
    return home / RUNS / (report_name(run).removesuffix(".html") or "~none")


def digest_of(record: Any) -> str:
    """What tells a record from another one at the same offset of a topic that was made anew."""
    whole = sha256(str(record.timestamp).encode())
    for part in (record.key, record.value):
        whole.update(b"-" if part is None else bytes(part))
    return whole.hexdigest()[:16]


def _flush_of(path: Path) -> int:
    number = path.name.removesuffix(ONCE).removesuffix(".parquet").rpartition("-")[2]
    return int(number) if path.suffix == ".parquet" and number.isdigit() else 0


def _write_parquet(connection: Any, kind: Kind, lines: Iterable[bytes], target: Path) -> None:
    source, part = target.with_suffix(".json.part"), target.with_suffix(".part")
    with source.open("wb") as file:
        file.writelines(lines)
    name, shape = quoted(str(source)), quoted(kind.shape)
    query = (
        f'SELECT "partition", "offset", ts AS at_ms, {kind.columns} FROM read_json({name}, '
        f"format='newline_delimited', maximum_object_size=33554432, columns={{{_SHAPE}{shape}}})"
    )
    _copy(connection, query, part)
    source.unlink()
    _sync(part)
    part.rename(target.with_suffix(".parquet"))


def _copy(connection: Any, query: str, target: Path) -> None:
    connection.execute(
        f"COPY ({query}) TO {quoted(str(target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})"
    )


def _replace(path: Path, text: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
