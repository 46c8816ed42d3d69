"""Dead letters read, chosen and laid out, without a broker."""

import json
from typing import Any

import pytest

from gridstress.admin.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    only,
    parse_dead_letter,
    parse_id,
    plan_replay,
)
from gridstress.kafka.topics import sources
from tests.support.frames import measured, spread
from topology.codec import decode, encode
from topology.errors import DataError, UsageError
from topology.messages import MeasurementFrame

READ = sources(["linear", "centrality"])
FRAME = encode(measured("north", [0], {"a": [1.0]}))
HEADERS = {
    "topic": "grid_measurements",
    "partition": "1",
    "offset": "17",
    "key": "north",
    "stage": "detection",
    "reason": "unknown-node",
    "detail": "node 'a' is not in the topology",
    "at": "2026-01-01T00:00:00.500Z",
}


def dead_letter(at: int = 0, value: bytes | None = FRAME, **changes: str) -> DeadLetter:
    given = [(name, text.encode()) for name, text in (HEADERS | changes).items()]
    return parse_dead_letter(0, at, value, given)


def sent(*dead_letters: DeadLetter, **how: Any) -> list[tuple[str, int | None, int | None]]:
    plan = plan_replay(dead_letters, **({"read": READ, "passed": False, "as_run": None} | how))
    return [(one.topic, one.origin_partition, one.origin_offset) for one in plan.dead_letters]


def test_a_dead_letter_says_where_its_record_came_from_and_why() -> None:
    one = dead_letter(5)
    assert (one.id, one.topic, one.origin_partition, one.origin_offset) == (
        *("0:5", "grid_measurements"),
        *(1, 17),
    )
    assert (one.key, one.stage, one.reason, one.run) == (b"north", "detection", "unknown-node", "r")
    assert one.to_dict()["bytes"] == len(FRAME)


def test_a_dead_letter_without_any_header_is_a_dead_letter() -> None:
    bare = parse_dead_letter(0, 1, None, [])
    assert (bare.topic, bare.origin_partition, bare.run, bare.at_s) == ("", None, None, None)
    assert bare.pretty() == "(no value)"
    assert plan_replay([bare], read=READ, passed=True, as_run=None).dead_letters == []


def test_what_is_json_is_shown_as_json_and_the_rest_in_hexadecimal() -> None:
    assert json.loads(dead_letter().pretty())["zone"] == "north"
    assert dead_letter(value=b"\x1b[2Jx").pretty() == (
        "000000  1b 5b 32 4a 78                                   .[2Jx"
    )
    assert dead_letter(value=b"[" * 60_000).pretty().endswith("... of 60,000 bytes")


def test_dead_letters_are_chosen_by_every_condition_that_is_given() -> None:
    one = dead_letter(3)
    assert all(
        DeadLetterFilter(**yes)(one)
        for yes in (
            {},
            {"ids": ((0, 3),)},
            {"topic": "grid_measurements", "reason": "unknown-node", "run": "r"},
            {"since_s": one.at_s},
        )
    )
    assert not any(
        DeadLetterFilter(**no)(one)
        for no in (
            {"ids": ((0, 4),)},
            {"topic": "stress_events"},
            {"reason": "late"},
            {"run": "other"},
            {"since_s": (one.at_s or 0) + 1},
        )
    )


@pytest.mark.parametrize("text", ["", "1", "1:", ":2", "a:b", "-1:2", "1:2:3", "1:" + "9" * 30])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="id of a dead letter"):
        parse_id(text)


def test_a_dead_letter_that_is_not_there_is_an_error() -> None:
    assert only([dead_letter(3)], *parse_id("0:3")).offset == 3
    with pytest.raises(DataError, match="0:4"):
        only([dead_letter(3)], 0, 4)


def test_a_record_that_two_agents_refuse_is_sent_once_where_it_was() -> None:
    topic = {"topic": "stress_events"}
    both = [dead_letter(n, **topic, stage=f"propagation_{m}") for n, m in enumerate("lc")]
    assert sent(*both) == [("stress_events", 1, 17)]
    assert plan_replay(both, read=READ, passed=False, as_run=None).repeated == 1


def test_a_record_that_was_sent_back_and_refused_again_is_sent_once() -> None:
    assert sent(dead_letter(9, offset="99"), dead_letter(0)) == [("grid_measurements", 1, 17)]


def test_records_are_sent_in_the_order_they_had() -> None:
    dead_letters = [dead_letter(n, FRAME + b" " * n, offset=str(100 - n)) for n in range(3)]
    assert [offset for *_, offset in sent(*dead_letters)] == [98, 99, 100]


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "risk_alerts_linear"},
        {"topic": "somebody_elses"},
        {"topic": "propagated_stress_electrical"},  # a model that is not enabled
        {"partition": "x"},
        {"reason": "late", "topic": "propagated_stress_linear"},
        {"reason": "ahead", "topic": "propagated_stress_linear"},
    ],
)
def test_what_cannot_or_need_not_be_sent_is_left_out_with_a_word(changes: dict[str, str]) -> None:
    plan = plan_replay([dead_letter(**changes)], read=READ, passed=False, as_run=None)
    assert (list(plan.dead_letters), len(plan.left)) == ([], 1)


def test_late_dead_letters_are_sent_if_they_are_asked_for() -> None:
    late = dead_letter(reason="late", topic="propagated_stress_linear")
    assert sent(late, passed=True) == [("propagated_stress_linear", 1, 17)]


def test_measurements_can_be_sent_as_another_run() -> None:
    other = dead_letter(1, encode(spread("north", [0], {})), topic="propagated_stress_linear")
    plan = plan_replay(
        [dead_letter(), dead_letter(2, b"no frame"), other], read=READ, passed=True, as_run="again"
    )
    (one,) = plan.dead_letters
    frame = decode(one.value, MeasurementFrame)
    assert (frame.run, frame.load_mw) == ("again", [[1.0]])
    assert len(plan.left) == 2
