"""Read a run's measurements and results from the broker or from files."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from aiokafka import ConsumerRecord

from gridstress.faust_fixes.headers import as_number, as_text, known_headers
from gridstress.kafka.topic_reader import held_back, held_back_text, partition_count, scan_topic
from gridstress.kafka.topics import DEAD_LETTERS, MEASUREMENTS, RESHARDED, alerts, windows
from gridstress.kafka_connection import Where
from gridstress.verify import records
from gridstress.verify.compare import Observed
from gridstress.verify.compare_dead_letters import OF_ROWS, RowsDeadLetter
from gridstress.verify.compare_refused import ELSEWHERE, RecordDeadLetter, RunDeadLetters
from gridstress.verify.measured import Measurements, Place, digest
from gridstress.verify.records import Pairs
from topology.errors import DataError, MessageError
from topology.messages import MeasurementFrame, RiskAlert, RiskWindow

PROPAGATED = "propagated_stress_"


def run_of(topic: str, raw: bytes | None) -> str | None:
    """Return the run a record of a topic belongs to, or None if it does not say."""
    try:
        return records.run_of(_parse(topic, raw))
    except MessageError:
        return None


def _parse(topic: str, raw: bytes | None) -> Pairs:
    return records.parse(raw, packed=topic != MEASUREMENTS)


def _pairs_of(topic: str, raw: bytes | None, run: str) -> Pairs | None:
    """Parse a record if it is of the run; most of the others need not be parsed for it."""
    if not raw or (run.encode() not in raw and b"\\" not in raw):
        return None
    try:
        pairs = _parse(topic, raw)
    except MessageError:
        return None
    return pairs if records.run_of(pairs) == run else None


async def list_runs(where: Where) -> list[str]:
    """List the runs in ``grid_measurements``, the one written to last first."""
    newest: dict[str, int] = {}
    async for record in scan_topic(where, MEASUREMENTS):
        run = run_of(MEASUREMENTS, record.value)
        if run is not None:
            newest[run] = max(newest.get(run, -1), record.timestamp)
    return sorted(newest, key=lambda run: (-newest[run], run))


async def choose_run(where: Where, run: str | None) -> str:
    """The run itself if there is one of that name, or the one written to last.

    Raises
    ------
    DataError
        If there is none.
    """
    exist = await list_runs(where)
    if not exist or run not in (None, *exist):
        raise _unread_run(where, run, exist, await held_back(where, MEASUREMENTS))
    return run or exist[0]


def _unread_run(
    where: Where, run: str | None, exist: Iterable[str], held: Mapping[int, int]
) -> DataError:
    why = f": {held_back_text(MEASUREMENTS, held)}" if held else ""
    return _no_run(run, f"{MEASUREMENTS} at {where}{why}", exist)


def _no_run(run: str | None, where: str, exist: Iterable[str]) -> DataError:
    names = ", ".join(list(exist)[:10]) or "none"
    what = "no run" if run is None else f"no run {run!r}"
    return DataError(f"{what} in {where}", hint=f"Runs that exist: {names}.")


async def read_measurements(where: Where, run: str | None) -> Measurements:
    """Read all there is of a run, the newest by default.

    Raises
    ------
    DataError
        If the run or the topic does not exist.
    BrokerError
        If the broker does not answer.
    """
    # Asked first: a row that was sent by now and is not read below waits for one of these.
    held = await held_back(where, MEASUREMENTS)
    found = Measurements(run or await choose_run(where, None), held=held)
    async for record in scan_topic(where, MEASUREMENTS):
        found.add(record)
    if not found.records:
        raise _unread_run(where, run, await list_runs(where), held)
    found.records.sort(key=lambda record: record.place)
    return found


async def count_measurements(where: Where, run: str) -> int:
    """Count the records of a run in ``grid_measurements``; errors as `read_measurements`."""
    found = scan_topic(where, MEASUREMENTS)
    return sum([_pairs_of(MEASUREMENTS, r.value, run) is not None async for r in found])


def read_frames_file(path: Path, run: str | None) -> tuple[str, list[MeasurementFrame]]:
    """Read the frames of a run from a file with one MeasurementFrame as JSON a line.

    Raises
    ------
    DataError
        Naming file and line, if the file cannot be read or a line is no frame; or if the run is
        not in it, or it holds several and none was named.
    """
    frames: list[MeasurementFrame] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            frames.append(records.measurement_of(records.parse(line)))
        except MessageError as error:
            raise DataError(f"{path} line {number}: {error}") from None
    runs = sorted({frame.run for frame in frames})
    if run is None and len(runs) > 1:
        raise DataError(f"{path} holds {len(runs)} runs", hint=f"--run one of {', '.join(runs)}")
    run = runs[0] if run is None and runs else run
    if run is None or run not in runs:
        raise _no_run(run, str(path), runs)
    return run, [frame for frame in frames if frame.run == run]


async def read_results(where: Where, run: str, models: Iterable[str], shards: int) -> Observed:
    """Read a run's results from the result topics.

    Raises
    ------
    DataError
        If a result topic does not exist or has another number of partitions than ``shards``.
    BrokerError
        If the broker does not answer.
    """
    observed = Observed()
    for model in models:
        await check_partitions(where, windows(model), shards)
        observed.windows[model], observed.alerts[model] = [], []
        for topic in (windows(model), alerts(model)):
            async for record in scan_topic(where, topic):
                if pairs := _pairs_of(topic, record.value, run):
                    take_result(record, pairs, model, shards, observed)
    return observed


async def check_partitions(where: Where, topic: str, shards: int) -> None:
    """Make sure that a topic has a partition for each shard; errors as of `read_results`."""
    there = await partition_count(where, topic)
    if there != shards:
        raise DataError(
            f"{topic} has {there} partitions, the settings say {shards}",
            hint=f"Set GRIDSTRESS_PARTITIONS={there}.",
        )


def take_result(
    record: ConsumerRecord, pairs: Pairs, model: str, shards: int, observed: Observed
) -> RiskWindow | RiskAlert | None:
    """Add a model's window or alert to what was observed of its run, or what is wrong with it."""
    place = f"{record.topic} {record.partition}/{record.offset}"
    is_window = record.topic == windows(model)
    try:
        result = records.window_of(pairs) if is_window else records.alert_of(pairs)
    except MessageError as error:
        observed.unreadable.append(f"{place}: {error}")
        return None
    if result.model != model:
        observed.unreadable.append(f"{place}: is of model {result.model!r}")
        return None
    if isinstance(result, RiskWindow):
        shard = result.shard
        observed.windows.setdefault(model, []).append(result)
    else:
        shard = crc32(result.node_id.encode()) % shards
        observed.alerts.setdefault(model, []).append(result)
    if shard != record.partition:
        observed.misplaced.append(f"{place}: belongs to {shard}")
    return result


async def former_dead_letters(where: Where) -> dict[int, int]:
    """Find where the dead letters about topics end that `reshard` has replaced, by partition.

    These are the offsets behind its last marks. Errors are as of `read_results`.
    """
    return {
        record.partition: record.offset + 1
        async for record in scan_topic(where, DEAD_LETTERS)
        if is_resharded(record)
    }


async def read_dead_letters(where: Where, run: str, observed: Observed) -> None:
    """Read the dead letters that may concern a run, instead of those that were read before.

    Errors are as of `read_results`.
    """
    dead_letters = observed.dead_letters = RunDeadLetters()
    observed.skipped_rows = []
    former = await former_dead_letters(where)
    dead_letters.former = bool(former)
    begun: set[int] = set()
    async for record in scan_topic(where, DEAD_LETTERS, begin=former):
        if record.partition not in begun:
            begun.add(record.partition)
            if record.offset > former.get(record.partition, 0):
                dead_letters.whole_since_ms = max(dead_letters.whole_since_ms, record.timestamp)
        take_dead_letter(record, run, observed)


def take_dead_letter(record: ConsumerRecord, run: str, observed: Observed) -> None:
    """Take a record of ``dead_letters`` that may concern a run; any program may have written it."""
    headers = _headers(record)
    if headers.get("topic") == MEASUREMENTS or headers.get("reason") in ELSEWHERE:
        observed.dead_letters.measurements.append(_dead_letter(record, headers))
    elif fields := _fields_of(record, headers, run):
        _take_later(record, headers, fields, observed)


def run_of_dead_letter(record: ConsumerRecord) -> str | None:
    """Return the run of the record that a dead letter is about, or None if it names none."""
    headers = _headers(record)
    found = _BEGINNING.match(record.value or b"") if "truncated" in headers else None
    return run_of(headers.get("topic", "?"), found[1] + b"}" if found else record.value)


def is_resharded(record: ConsumerRecord) -> bool:
    """Whether a dead letter says that those before it are about topics that have been replaced."""
    return _headers(record).get("reason") == RESHARDED


def _fields_of(record: ConsumerRecord, headers: Mapping[str, str], run: str) -> dict[str, Any]:
    """Return the fields of a dead letter about a record of the run; none for another run's."""
    topic = headers.get("topic", "?")
    if "truncated" not in headers:
        return dict(_pairs_of(topic, record.value, run) or ())
    found, place = _BEGINNING.match(record.value or b""), _place(headers)
    pairs = _pairs_of(topic, found[1] + b"}", run) if found and place else None
    # A shard's frames lie in the partition of that number.
    return dict(pairs) | {"shard": place.partition} if pairs and place else {}


_BEGINNING = re.compile(rb'(\{"schema":1,"run":"(?:[^"\\]|\\.)*","zone":"(?:[^"\\]|\\.)*"),')
"""How JSON frames begin that stages write: what is left of one whose dead letter was cut."""


def _headers(record: ConsumerRecord) -> dict[str, str]:
    return {name: as_text(value) for name, value in known_headers(record.headers).items()}


def _place(headers: Mapping[str, str]) -> Place | None:
    partition, offset = (as_number(headers.get(n, "").encode()) for n in ("partition", "offset"))
    return None if partition is None or offset is None else Place(partition, offset)


def _dead_letter(record: ConsumerRecord, headers: Mapping[str, str]) -> RecordDeadLetter:
    whole, topic = "truncated" not in headers, headers.get("topic", "?")
    return RecordDeadLetter(
        topic=topic,
        place=_place(headers),
        stage=headers.get("stage", "?"),
        reason=headers.get("reason", "?"),
        digest=digest(record.value) if whole else headers.get("sha256", ""),
        run=run_of(topic, record.value) if whole else None,
        upto=as_number(headers.get("upto", "").encode()),
    )


def _take_later(
    record: ConsumerRecord, headers: Mapping[str, str], fields: dict[str, Any], observed: Observed
) -> None:
    topic, reason = headers.get("topic", "?"), headers.get("reason", "?")
    if reason not in OF_ROWS or not topic.startswith(PROPAGATED):
        observed.dead_letters.later.append(_dead_letter(record, headers))
        return
    shard, zone = fields.get("shard"), fields.get("zone")
    try:
        rows = tuple(int(number) for number in headers.get("rows", "").split(","))
    except ValueError:
        rows = ()
    if type(shard) is int and type(zone) is str and rows:
        model = topic.removeprefix(PROPAGATED)
        observed.skipped_rows.append(RowsDeadLetter(model, shard, zone, reason, rows))
    else:
        place = f"{DEAD_LETTERS} {record.partition}/{record.offset}"
        observed.dead_letters.unreadable.append(f"{place}: names no shard, zone or rows")
