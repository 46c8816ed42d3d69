"""The rule by which a fault is struck again, without a cluster."""

import pytest

from tests.chaos.acts.scene import Facts
from tests.chaos.player import STRIKES, findings, until_measured
from tests.chaos.worker import Hung

MEASURED: Facts = {"kind": "kill", "recovery_s": 5.0}
UNMEASURED: Facts = {"kind": "kill"}
TOO_LATE: Facts = {"kind": "replayer_kill", "was_sending": False}
UNWATCHED: Facts = {"kind": "crash_loop", "was_sending": False}
ZOMBIE: Facts = {"kind": "zombie"}


class Stage:
    """Gives the facts of one strike after the other, and notes what was asked of it."""

    def __init__(self, *strikes: list[Facts]) -> None:
        self.strikes = list(strikes)
        self.log: list[str] = []

    async def struck(self) -> tuple[list[Facts], float]:
        self.log.append("strike")
        return self.strikes.pop(0), 0.5

    async def pace(self) -> None:
        self.log.append("pace")


@pytest.mark.parametrize("facts", [[MEASURED], [ZOMBIE], [ZOMBIE, MEASURED]])
async def test_what_was_measured_or_has_nothing_to_measure_is_struck_once(
    facts: list[Facts],
) -> None:
    stage = Stage(facts)
    assert await until_measured(stage.struck, stage.pace) == (facts, 0.5, 0)
    assert stage.log == ["strike"]


@pytest.mark.parametrize(
    "missed", [[UNMEASURED], [TOO_LATE], [UNWATCHED], [ZOMBIE, UNMEASURED], [MEASURED, TOO_LATE]]
)
async def test_what_found_nothing_is_struck_again_on_a_paced_run(
    missed: list[Facts],
) -> None:
    stage = Stage(missed, [MEASURED])
    assert await until_measured(stage.struck, stage.pace) == ([MEASURED], 0.5, 1)
    assert stage.log == ["strike", "pace", "strike"]


async def test_it_is_struck_again_a_few_times_only_and_then_said_to_have_found_nothing() -> None:
    stage = Stage(*[[UNMEASURED]] * (STRIKES + 1))
    with pytest.raises(Hung, match="found nothing"):
        await until_measured(stage.struck, stage.pace)
    assert stage.log.count("strike") == STRIKES


def test_what_an_act_has_found_is_a_problem_of_the_schedule() -> None:
    stood: Facts = {"kind": "crash_loop", "was_sending": True, "finding": "stood still"}
    assert findings([{"fault": "two", "acts": [ZOMBIE, stood]}]) == ["crash_loop: stood still"]
    assert findings([{"fault": "zombie", "acts": [ZOMBIE]}]) == []
