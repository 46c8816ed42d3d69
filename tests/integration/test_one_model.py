"""One model alone, and not the usual first."""

from pathlib import Path

import pytest

from tests.integration.harness import Stack

pytestmark = pytest.mark.integration


def test_one_model_alone_is_enough(broker: str, tmp_path: Path) -> None:
    with Stack(broker, tmp_path, {"GRIDSTRESS_MODELS": "electrical"}) as stack:
        worker = stack.add_worker()
        done = stack.command("replay", "--run", "r", "--start", "2025-01-07", "--until",
                             "2025-01-09", "--speed", "max")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert set(stack.verify("r")["outcomes"]) == {"measurements", "electrical"}
        assert worker.get("grid")["models"] == ["electrical"]
        assert worker.get("state")["model"] == "electrical"
        assert "nothing to compare" in worker.get("compare")["error"]
        assert set(worker.get("health")["partitions"]) == {
            "grid_measurements",
            "stress_events",
            "propagated_stress_electrical",
        }
        listed = stack.command("alerts", "--run", "r")
        assert listed.returncode == 0
        assert "RAISED" in listed.stdout
