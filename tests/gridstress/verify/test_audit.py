"""A run that is audited in pieces is judged as one that is verified whole."""

from collections.abc import Callable, Iterable

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from gridstress.kafka.topics import alerts, windows
from gridstress.verify import audit as audits
from gridstress.verify import records
from gridstress.verify.audit import RunAudit
from gridstress.verify.compare import Observed, compare
from gridstress.verify.due import GRACE_S, AlertsDue
from gridstress.verify.influence import influence_of
from gridstress.verify.measured import Measurements, parsed_value
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.samples import GRID, HOUR, SETTINGS, echo, frame, load, record
from tests.gridstress.verify.test_faults import FAULTS, World, frames, world
from tests.gridstress.verify.test_tail import BOUNDED, runs
from topology.codec import encode
from topology.messages import MeasurementFrame, RiskAlert, RiskWindow
from topology.shards import shard_of

Piece = Callable[[RunAudit], None]
NOW_S = 0.0
"""A clock that stands still: nothing is due because time has passed."""


def matrices() -> dict[str, object]:
    return {model: influence_of(model, GRID, SETTINGS) for model in SETTINGS.model_names}


def begun(chosen=SETTINGS) -> RunAudit:
    return RunAudit("r1", GRID, chosen, matrices())


def measured(place: ConsumerRecord) -> Piece:
    return lambda audit: audit.take_measurement(place, parsed_value(place))


def result(topic: str, partition: int, published: RiskWindow | RiskAlert) -> Piece:
    found = record(partition, 0, encode(published))
    found = ConsumerRecord(**{**vars_of(found), "topic": topic})
    pairs = records.parse(found.value, packed=True)
    return lambda audit: audit.take_result(found, pairs, published.model, NOW_S)


def vars_of(found: ConsumerRecord) -> dict[str, object]:
    return {name: getattr(found, name) for name in ConsumerRecord.__dataclass_fields__}


def dead_letters(published: Observed) -> Iterable[Piece]:
    def take(what: str, one: object) -> Piece:
        def do(audit: RunAudit) -> None:
            held = audit.observed if what == "skipped_rows" else audit.observed.dead_letters
            getattr(held, what).append(one)
            audit.changed = True

        return do

    yield from (take("skipped_rows", one) for one in published.skipped_rows)
    yield from (take("measurements", one) for one in published.dead_letters.measurements)
    yield from (take("later", one) for one in published.dead_letters.later)


def queues(raws: Iterable[bytes | None], published: Observed) -> list[list[Piece]]:
    """Everything there is of a run, by partition."""
    found = [[measured(record(0, offset, raw)) for offset, raw in enumerate(raws)]]
    for model in published.windows:
        for shard in range(SETTINGS.partitions):
            mine = [w for w in published.windows[model] if w.shard == shard]
            found.append([result(windows(model), shard, w) for w in mine])
            theirs = [a for a in published.alerts[model] if shard_of(a.node_id, 2) == shard]
            found.append([result(alerts(model), shard, a) for a in theirs])
    found.append(list(dead_letters(published)))
    return found


def audited(audit: RunAudit, parts: list[list[Piece]], data: st.DataObject | None) -> RunAudit:
    """Feed the pieces in any order that keeps that of each partition, looking now and then."""
    parts = [list(part) for part in parts]
    while any(parts):
        left = [part for part in parts if part]
        part = left[0] if data is None else data.draw(st.sampled_from(left))
        size = len(part) if data is None else data.draw(st.integers(1, 6))
        for piece in part[:size]:
            piece(audit)
        del part[:size]
        if data is not None and data.draw(st.booleans()):
            audit.look(lambda _model, _shard: NOW_S)
    audit.look(lambda _model, _shard: NOW_S)
    audit.finish(audit.mark())
    audit.look(lambda _model, _shard: NOW_S)
    return audit


def found_by(audit: RunAudit) -> set[str]:
    return {text for texts in audit.differences.values() for text in texts}


def raws(found: World) -> list[bytes | None]:
    return [*map(encode, frames()), b"rubbish", None]


NOT_AUDITED = {
    "a missing open window",
    "an altered open window",
    "a run record that says more rows were sent",
    "another partition",
}
"""Open windows and what was sent are left to `verify`; the partition is tested below."""


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - NOT_AUDITED))
def test_a_fault_is_found_in_pieces(fault: str) -> None:
    make, _, words = FAULTS[fault]
    found = make()
    audit = audited(begun(), queues(raws(found), found.observed), None)
    assert any(words in text for text in found_by(audit)), found_by(audit)


@given(st.sampled_from(["", *sorted(FAULTS.keys() - NOT_AUDITED)]), st.data())
@settings(max_examples=60)
def test_in_any_pieces_the_same_is_found_as_in_the_whole(fault: str, data: st.DataObject) -> None:
    found = FAULTS[fault][0]() if fault else world()
    measurements = Measurements("r1")
    for offset, raw in enumerate(raws(found)):
        measurements.add(record(0, offset, raw))
    outcomes = compare(found.expected, found.observed, measurements=measurements)
    whole = {text for outcome in outcomes.values() for text in outcome.problems}
    audit = audited(begun(), queues(raws(found), found.observed), data)
    assert found_by(audit) == whole
    assert not audit.waits


def alter(published: Observed, data: st.DataObject) -> None:
    """Plant one fault, or none."""
    model = data.draw(st.sampled_from(sorted(published.windows)))
    held: list = data.draw(st.sampled_from([published.windows[model], published.alerts[model]]))
    kind = data.draw(st.sampled_from(["none", "drop", "alter"]))
    if not held or kind == "none":
        return
    at = data.draw(st.integers(0, len(held) - 1))
    if kind == "drop":
        del held[at]
    elif isinstance(held[at], RiskAlert):
        number = data.draw(st.sampled_from(["risk_score", "peak_risk"]))
        half = getattr(held[at], number) / 2
        held[at] = msgspec.structs.replace(held[at], **{number: half})
    elif held[at].nodes:
        risk = held[at].risk / 2
        held[at] = msgspec.structs.replace(held[at], risk=risk)


@given(runs(), st.data())
@settings(max_examples=60)
def test_what_is_dropped_meanwhile_changes_no_verdict(
    frames: list[MeasurementFrame], data: st.DataObject
) -> None:
    whole = recompute(frames, GRID, BOUNDED)
    published = echo(whole)
    alter(published, data)
    verdict = compare(whole, published)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audits, "KEPT", 0)
        patch.setattr(audits, "DROPPED", 1)
        audit = audited(begun(BOUNDED), queues(map(encode, frames), published), data)
    assert found_by(audit) == {t for outcome in verdict.values() for t in outcome.problems}
    assert not audit.waits
    if whole.closed:
        assert audit.until_s == audit.final_s == whole.ends_s[whole.closed - 1]


def test_results_in_another_partition_are_found() -> None:
    audit, published = begun(), echo(recompute(frames(), GRID, SETTINGS))
    result(
        windows("linear"), 1 - published.windows["linear"][0].shard, published.windows["linear"][0]
    )(audit)
    audit.look(lambda _model, _shard: NOW_S)
    assert any("belongs to" in text for text in found_by(audit))


def test_a_run_whose_beginning_is_gone_is_not_audited() -> None:
    audit, late = begun(), record(0, 7, encode(hours(3, 4)[0]))
    audit.take_measurement(late, parsed_value(late), whole=False)
    assert "does not hold its beginning" in audit.excuse


def test_a_zone_in_two_partitions_is_not_audited() -> None:
    audit = begun()
    for partition, one in enumerate([hours(0, 1)[0], hours(1, 2)[0]]):
        measured(record(partition, 0, encode(one)))(audit)
    assert audit.excuse == "frames of zone North lie in several partitions"


def hours(first: int, last: int) -> list[MeasurementFrame]:
    return [
        frame(zone, hour, [hour], [[load(1 if hour % 9 < 4 else -1)] * nodes])
        for hour in range(first, last)
        for zone, nodes in (("North", 2), ("South", 1))
    ]


def test_a_stopped_worker_is_behind_and_not_wrong() -> None:
    audit = begun()
    published = echo(recompute(hours(0, 12), GRID, SETTINGS))
    for name, held in published.windows.items():
        published.windows[name] = [
            w for w in held if w.shard == 1 or w.window_end.timestamp() < 5 * HOUR
        ]
        published.alerts[name] = [
            a
            for a in published.alerts[name]
            if shard_of(a.node_id, 2) == 1 or a.window_end.timestamp() < 5 * HOUR
        ]
    for part in queues(map(encode, hours(0, 12)), published):
        for piece in part:
            piece(audit)
    audit.look(lambda _model, _shard: NOW_S)
    assert (found_by(audit), audit.waits) == (set(), True)
    assert (audit.until_s, audit.final_s) == (4 * HOUR, 10 * HOUR)


def test_what_is_held_of_a_long_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "KEPT", 12)
    monkeypatch.setattr(audits, "DROPPED", 12)
    audit, offset, most = begun(), 0, 0
    whole = echo(recompute(hours(0, 400), GRID, SETTINGS))
    for first in range(0, 400, 4):
        for one in hours(first, first + 4):
            measured(record(0, offset, encode(one)))(audit)
            offset += 1
        until_s = (first + 3) * HOUR
        for model, held in whole.windows.items():
            for w in held:
                if until_s - 4 * HOUR < w.window_end.timestamp() <= until_s:
                    result(windows(model), w.shard, w)(audit)
            for a in whole.alerts[model]:
                if until_s - 4 * HOUR < a.window_end.timestamp() <= until_s:
                    result(alerts(model), shard_of(a.node_id, 2), a)(audit)
        audit.look(lambda _model, _shard: NOW_S)
        blocks = sum(len(zone.blocks) for zone in audit.intake.zones.values())
        results = sum(map(len, audit.observed.windows.values()))
        most = max(most, blocks + results + len(audit.measurements.records))
    assert (found_by(audit), audit.until_s) == (set(), 398 * HOUR)
    assert most < 300


def test_alerts_are_due_once_later_windows_are_there_and_alerts_were_read_since() -> None:
    due = AlertsDue()
    due.see(1.0, 100.0, 101.0)
    due.see(2.0, 100.0 + GRACE_S - 1, 190.0)
    due.read(200.0)
    assert due.until_s < 0
    due.see(3.0, 250.0, 300.0)
    due.read(299.0)
    assert due.until_s < 0
    due.read(300.0)
    assert due.until_s == 1.0
    due.see(3.0, 400.0, 400.0)  # a copy, as a worker sends that takes over
    due.read(400.0)
    assert due.until_s == 1.0
