import json
from pathlib import Path
from typing import Any

from tests.chaos.report import report


def record(number: int, *faults: dict[str, Any], ok: bool = True) -> dict[str, Any]:
    return {
        **{"seed": 5, "at": "2025-03-01T10:00:00+00:00", "versions": {"kafka": "4.4.0"}},
        **{"schedule": number, "ok": ok, "workers": 2, "faults": list(faults), "runs": 2},
        **{"resumed": 1, "frames": 1000, "reprocessed": 3, "duplicates": 40, "dead_letters": 0},
        **{"self_ends": 1, "other_ends": {"1": 2}, "seconds": 1800.0, "problems": []},
    }


def kill(recovery_s: float) -> dict[str, Any]:
    return {"fault": "kill", "acts": [{"kind": "kill", "recovery_s": recovery_s}]}


def test_the_table_counts_faults_mismatches_and_costs(tmp_path: Path) -> None:
    pair = {"fault": "two", "acts": [{"kind": "kill", "recovery_s": 30.0}, {"kind": "zombie"}]}
    unmeasured = {"fault": "kill", "acts": [{"kind": "kill"}]}
    file = tmp_path / "results.jsonl"
    records = [record(0, kill(4), kill(6), unmeasured), record(1, kill(8), pair, ok=False)]
    file.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
    lines = report(file).splitlines()
    assert lines[0] == "2025-03-01, seed 5; kafka 4.4.0."
    assert "| SIGKILL of a worker, restart after 0-10 s | 4 | 1 |" in lines
    assert "| two of those above at once | 1 | 1 |" in lines
    assert "| SIGKILL of the broker and restart | 0 | 0 |" in lines
    assert "| schedules | 2 |" in lines
    assert "| mismatches | 1 |" in lines
    assert (
        "| recovery after a kill: median, 95th percentile, longest (3 measured) "
        "| 6.0 s, 8.0 s, 8.0 s |"
    ) in lines
    assert "| frames skipped as duplicates | 80 |" in lines
    assert "| workers that ended otherwise | 4 |" in lines


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").touch()
    assert report(tmp_path / "results.jsonl") == "nothing has been played yet"
