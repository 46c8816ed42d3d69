"""The auditor on a real (embedded) broker, beside an app that is played by records."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing

import msgspec
import pytest

from bench.harness.brokers import embedded_broker
from gridstress.settings import Settings
from gridstress.verify import auditor as auditors
from gridstress.verify.auditor import Auditor
from gridstress.verify.recompute import recompute
from tests.gridstress.verify.broker import create, finish, of_run, send
from tests.gridstress.verify.samples import GRID, SETTINGS, echo, evening, frame, load
from ui.schema.audit import AuditStatus, audit_line

pytestmark = pytest.mark.integration
STAGES = [
    "grid_measurements",
    "stress_events",
    "propagated_stress_linear",
    "propagated_stress_centrality",
]


@pytest.fixture
def broker() -> Iterator[str]:
    with embedded_broker() as running:
        asyncio.run(create(running.bootstrap))
        asyncio.run(create(running.bootstrap, STAGES[1:]))
        yield running.bootstrap


def settings(broker: str) -> Settings:
    return SETTINGS.model_copy(update={"broker": f"kafka://{broker}"})


def send_run(broker: str, name: str, change: Callable[..., None] = lambda observed: None) -> None:
    late = frame("North", 7, [2], [[load(9), load(9)]])
    frames = [*evening()[:3], late, evening()[3]]
    frames = [msgspec.structs.replace(f, run=name) for f in frames]
    expected = recompute(frames, GRID, SETTINGS)
    observed = echo(expected)
    change(observed)
    send(broker, of_run(frames, expected, observed))


def first_word(auditor: Auditor, wanted: Callable[[AuditStatus], bool]) -> AuditStatus:
    """What the auditor says first that is wanted."""

    async def listen() -> AuditStatus:
        async with asyncio.timeout(60), aclosing(auditor.states()) as states:
            async for status in states:
                if wanted(status):
                    return status
        raise AssertionError

    return asyncio.run(listen())


def test_a_whole_run_is_verified_to_its_end(broker: str) -> None:
    send_run(broker, "good")
    status = first_word(Auditor(settings(broker), GRID), lambda s: s.complete)
    assert audit_line(status) == (
        "run good: verified until 1970-01-01T06:00:00Z, 0 differences (complete)"
    )


def test_a_last_alert_is_missing_once_the_workers_have_finished(broker: str) -> None:
    send_run(broker, "r", lambda observed: observed.alerts["linear"].pop())
    auditor = Auditor(settings(broker), GRID)
    waiting = first_word(auditor, lambda s: s.models["centrality"].verified_until is not None)
    assert waiting.differences == 0
    for topic in STAGES:
        finish(broker, SETTINGS.group, topic)
    found = first_word(Auditor(settings(broker), GRID), lambda s: s.state == "different")
    assert found.differences == 1
    assert "is missing" in found.first[0]


def test_of_many_runs_the_complete_ones_are_let_go_first(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditors, "MOST_RUNS", 2)
    auditor = Auditor(settings(broker), GRID)
    for name in ("a", "b"):
        send_run(broker, name)
    seen = set()

    def both(status: AuditStatus) -> bool:
        seen.update({status.run} if status.complete else ())
        return seen == {"a", "b"}

    first_word(auditor, both)
    send_run(broker, "c")
    auditor = Auditor(settings(broker), GRID)
    assert first_word(auditor, lambda s: s.run == "c" and s.complete).differences == 0
    assert len(auditor.runs) == 2
