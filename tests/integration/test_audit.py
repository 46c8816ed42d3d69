"""A run that is audited while it goes on, beside a real worker, and shown by the API."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.harness import Sent, Stack, records, send, wait_for
from topology.codec import decode, encode
from topology.messages import RiskWindow

pytestmark = pytest.mark.integration
TOPIC = "risk_windows_linear"


def last_word(log: Path, run: str) -> dict[str, Any]:
    """What the auditor has said last of a run; empty before its first word."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    found: list[dict[str, Any]] = [line for line in lines if line["run"] == run]
    return found[-1] if found else {}


async def test_a_run_is_audited_live_and_a_planted_window_turns_it_red(
    broker: str, tmp_path: Path
) -> None:
    with Stack(broker, tmp_path) as stack:
        worker = stack.add_worker()
        sent, log = Sent(broker, "r"), tmp_path / "audit.log"
        await sent.send(0, 12)
        auditor = stack.begin("audit", "--json", log=log)

        def until(hour: int) -> dict[str, Any]:
            def reached() -> dict[str, Any] | None:
                word = last_word(log, "r")
                ends = [m["verified_until"] for m in word.get("models", {}).values()]
                there = ends and all(e and int(e[11:13]) >= hour for e in ends)
                return word if there or word.get("differences") else None

            return wait_for(reached, f"audited until {hour}", 20)

        assert until(10)["differences"] == 0
        await sent.send(12, 22)
        assert until(20)["state"] == "verified"
        shown = wait_for(lambda: worker.get("runs")["runs"][0]["audit"], "the API shows it")
        assert (shown["state"], shown["differences"]) == ("verified", 0)

        right = [decode(r.value, RiskWindow) for r in await records(broker, TOPIC)]
        wrong = next(window for window in reversed(right) if window.nodes)
        wrong = msgspec.structs.replace(wrong, stress=2 * wrong.stress)
        await send(broker, TOPIC, [(wrong.shard, encode(wrong))])
        word = wait_for(lambda: (w := last_word(log, "r"))["differences"] and w, "it is red", 5)
        assert (word["state"], word["differences"]) == ("different", 1)
        assert "is there twice with other values" in word["first"][0]
        auditor.terminate()
        assert auditor.wait(10) == 1
