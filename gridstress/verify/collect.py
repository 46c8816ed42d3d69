"""Read a run's measurements from the broker or a file, and what the app said of it."""

import json
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from aiokafka import ConsumerRecord

from gridstress.headers import as_text, known_headers
from gridstress.kafka_security import Where
from gridstress.topic_reader import partition_count, read_topic, scan_topic
from gridstress.verify.compare import Observed
from gridstress.verify.compare_aside import REASONS, AsideLetter
from topology.errors import DataError, MessageError
from topology.messages import MeasurementFrame, PropagatedFrame, RiskAlert, RiskWindow, decode

MEASUREMENTS = "grid_measurements"
DEAD_LETTERS = "dead_letters"
OF_OFFSETS = ("lost", "undecodable")
"""Reasons of dead letters that stand for offsets of a topic, whatever was there."""


class _RunOf(msgspec.Struct):
    run: str


_run_decoder = msgspec.json.Decoder(_RunOf)
Result = TypeVar("Result", RiskWindow, RiskAlert)


def run_of(raw: bytes | None) -> str | None:
    """Return the run a record belongs to, or None if it does not say."""
    try:
        return _run_decoder.decode(raw or b"").run
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _of(run: str) -> Callable[[ConsumerRecord], bool]:
    return lambda record: run_of(record.value) == run


async def list_runs(where: Where) -> list[str]:
    """List the runs in ``grid_measurements``, the one written to last first."""
    newest: dict[str, int] = {}
    async for record in scan_topic(where, MEASUREMENTS):
        run = run_of(record.value)
        if run is not None:
            newest[run] = max(newest.get(run, -1), record.timestamp)
    return sorted(newest, key=lambda run: (-newest[run], run))


def _no_run(run: str | None, where: str, exist: Iterable[str]) -> DataError:
    names = ", ".join(list(exist)[:10]) or "none"
    what = "no run" if run is None else f"no run {run!r}"
    return DataError(f"{what} in {where}", hint=f"Runs that exist: {names}.")


async def read_frames(
    where: Where, run: str | None, *, without: Collection[tuple[int, int]] = ()
) -> tuple[str, list[MeasurementFrame], list[str]]:
    """Read the frames of a run, the newest by default, each partition's in order.

    Records at the partitions and offsets of ``without`` are left out.

    Returns
    -------
    tuple
        The run, its frames, and what is wrong with those of its records that are none.

    Raises
    ------
    DataError
        If the run or the topic does not exist.
    BrokerError
        If the broker does not answer.
    """
    if run is None:
        run = next(iter(await list_runs(where)), None)
    records = await read_topic(where, MEASUREMENTS, keep=_of(run)) if run else []
    if run is None or not records:
        raise _no_run(run, f"{MEASUREMENTS} at {where}", await list_runs(where))
    frames, invalid = [], []
    for record in sorted(records, key=lambda r: (r.partition, r.offset)):
        if (record.partition, record.offset) in without:
            continue
        try:
            frames.append(decode(record.value, MeasurementFrame))
        except MessageError as error:
            invalid.append(f"{MEASUREMENTS} {record.partition}/{record.offset}: {error}")
    return run, frames, invalid


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
            frames.append(decode(line, MeasurementFrame))
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
    """Read what the app said of a run on its result topics.

    Raises
    ------
    DataError
        If a result topic does not exist or has another number of partitions than ``shards``.
    BrokerError
        If the broker does not answer.
    """
    observed = Observed()
    for model in models:
        topic = f"risk_windows_{model}"
        there = await partition_count(where, topic)
        if there != shards:
            raise DataError(
                f"{topic} has {there} partitions, the settings say {shards}",
                hint=f"Set GRIDSTRESS_PARTITIONS={there}.",
            )
        observed.windows[model] = await _read(where, topic, run, model, RiskWindow, observed)
        topic = f"risk_alerts_{model}"
        observed.alerts[model] = await _read(where, topic, run, model, RiskAlert, observed)
    await _read_letters(where, run, observed)
    return observed


async def _read(
    where: Where, topic: str, run: str, model: str, kind: type[Result], observed: Observed
) -> list[Result]:
    results: list[Result] = []
    for record in await read_topic(where, topic, keep=_of(run)):
        place = f"{topic} {record.partition}/{record.offset}"
        try:
            result = decode(record.value, kind)
        except MessageError as error:
            observed.unreadable.append(f"{place}: {error}")
            continue
        if result.model == model:
            results.append(result)
        else:
            observed.unreadable.append(f"{place}: is of model {result.model!r}")
    return results


def _concerns(record: ConsumerRecord, run: str) -> bool:
    """Whether a letter is of the run, or of offsets that may have been of any run."""
    reason = as_text(known_headers(record.headers).get("reason", b""))
    return reason in OF_OFFSETS or run_of(record.value) == run


async def _read_letters(where: Where, run: str, observed: Observed) -> None:
    for record in await read_topic(where, DEAD_LETTERS, keep=lambda r: _concerns(r, run)):
        headers = {n: as_text(value) for n, value in known_headers(record.headers).items()}
        topic, reason = headers.get("topic", "?"), headers.get("reason", "?")
        if reason in OF_OFFSETS:
            place = f"{topic}/{headers.get('partition', '?')}"
            span = f"from offset {headers.get('offset', '?')} to before {headers.get('upto', '?')}"
            observed.letters[f"{place} {span}, {reason}"] += 1
            continue
        observed.letters[f"{topic}, {reason}"] += 1
        if reason not in REASONS or not topic.startswith("propagated_stress_"):
            continue
        try:
            frame = decode(record.value, PropagatedFrame)
            rows = _numbers(headers.get("rows", ""))
        except (MessageError, ValueError) as error:
            observed.unreadable.append(
                f"{DEAD_LETTERS} {record.partition}/{record.offset}: {error}"
            )
            continue
        model = topic.removeprefix("propagated_stress_")
        observed.aside.append(AsideLetter(model, frame.shard, frame.zone, reason, rows))


def _numbers(text: str) -> tuple[int, ...]:
    if text.startswith("["):
        return tuple(int(number) for number in json.loads(text))
    return tuple(int(number) for number in re.split(r"[,\s]+", text.strip()) if number)
