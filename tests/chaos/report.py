"""The table of a campaign, from its results."""

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.schedule import MINIMUM

NAMES = {
    "kill": "SIGKILL of a worker, restart after 0-10 s",
    "stop": "SIGTERM of a worker and restart",
    "rebalance": "a worker added or taken away",
    "zombie": "SIGSTOP beyond the session time-out, then SIGCONT",
    "broker_kill": "SIGKILL of the broker and restart",
    "unreachable": "broker unreachable for 5-60 s",
    "state_lost": "local state deleted, truncated or corrupted",
    "replayer_kill": "replayer killed half-way and resumed",
    "two": "two of those above at once",
    "crash_loop": "a worker killed and started again, over and over",
    "short_runs": "dozens of short runs at once",
    "odd_records": "records of every odd kind on grid_measurements",
    "leader_kill": "SIGKILL of the broker that leads a partition, of three",
    "other_settings": "a worker with other settings",
    "full_disk": "the disk of a worker full",
    "clock": "the wall clock of a worker minutes off",
    "retention": "measurements deleted before they were read",
}


def report(results: Path) -> str:
    """Markdown: what was struck, what it cost, and whether anything differed."""
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines() if line]
    if not records:
        return "nothing has been played yet"
    last = records[-1]
    versions = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    seeds = ", ".join(str(seed) for seed in sorted({r["seed"] for r in records}))
    lines = [
        f"{last['at'][:10]}, seed {seeds}; {versions}.",
        "",
        "| fault | struck | of them in schedules with a mismatch |",
        "|---|---:|---:|",
    ]
    struck, bad = _struck(records), _struck([r for r in records if not r["ok"]])
    lines += [f"| {NAMES[kind]} | {struck[kind]} | {bad[kind]} |" for kind in MINIMUM]
    lines += ["", "| figure | |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in _figures(records)]
    return "\n".join(lines)


def _struck(records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(fault["fault"] for record in records for fault in record["faults"])


def _figures(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    acts = [act for r in records for fault in r["faults"] for act in fault["acts"]]
    alone = [f["acts"][0] for r in records for f in r["faults"] if f["fault"] == "kill"]
    return [
        ("schedules", str(len(records))),
        ("mismatches", str(sum(not r["ok"] for r in records))),
        ("runs of the load, each verified", str(sum(r["runs"] for r in records))),
        ("single acts", f"{len(acts):,}"),
        ("attempts to resume a run (also while the broker is away)", _sum(records, "resumed")),
        *_recovery("recovery after a kill", alone),
        *_recovery("recovery after a kill together with something else", [
            act for act in acts if act["kind"] == "kill" and act not in alone
        ]),
        ("frames worked on, all stages, as last seen", f"{sum(r['frames'] for r in records):,}"),
        (
            "measurement frames worked on more than once, as last seen",
            f"{sum(r['reprocessed'] for r in records):,}",
        ),
        ("frames skipped as duplicates", f"{sum(r['duplicates'] for r in records):,}"),
        ("workers that ended themselves and were started again", _sum(records, "self_ends")),
        ("workers that ended otherwise", str(sum(_others(records).values()))),
        ("hours", f"{sum(r['seconds'] for r in records) / 3600:.2f}"),
    ]  # fmt: skip


def _recovery(name: str, kills: list[dict[str, Any]]) -> list[tuple[str, str]]:
    seconds = sorted(act["recovery_s"] for act in kills if "recovery_s" in act)
    if not seconds:
        return []
    p95 = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
    text = f"{statistics.median(seconds):.1f} s, {p95:.1f} s, {seconds[-1]:.1f} s"
    return [(f"{name}: median, 95th percentile, longest ({len(seconds)} measured)", text)]


def _others(records: list[dict[str, Any]]) -> Counter[str]:
    return sum((Counter(r["other_ends"]) for r in records), start=Counter[str]())


def _sum(records: list[dict[str, Any]], name: str) -> str:
    return f"{sum(r[name] for r in records):,}"
