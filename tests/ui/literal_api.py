"""A real HTTP server that answers like a worker, with literal payloads that a test can change."""

import copy
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

RUN = "synthetic-20260101T120000Z"

GRID: dict[str, Any] = {
    "name": "germany",
    "credit": "Hand-made.",
    "note": "A demonstration.",
    "nodes": [
        {"id": "diele", "name": "Diele", "lat": 53.13, "lon": 7.31, "zone": "TenneT",
         "share": 0.02, "rating_mw": 512.0, "sensitivity": 0.8},
        {"id": "krummel", "name": "Krümmel", "lat": 53.41, "lon": 10.41, "zone": "50Hertz",
         "share": 0.03, "rating_mw": 300.0, "sensitivity": 0.7},
        {"id": "wendlingen", "name": "Wendlingen", "lat": 48.68, "lon": 9.36, "zone": "TransnetBW",
         "share": 0.05, "rating_mw": 700.0, "sensitivity": 0.9},
    ],
    "lines": [
        {"source": "diele", "target": "krummel", "length_km": 210.0, "voltage_kv": 380.0,
         "coupling": 0.8},
        {"source": "krummel", "target": "wendlingen", "length_km": 530.0, "voltage_kv": 220.0,
         "coupling": 0.5},
    ],
    "zones": ["50Hertz", "TenneT", "TransnetBW"],
    "models": ["linear", "centrality"],
    "settings": {
        "step_s": 3600, "size_s": 21600, "lateness_s": 3600, "max_hops": 3, "decay": 0.7,
        "alpha": 0.6, "centrality": "degree", "stress_threshold": 0.85, "partitions": 4,
        "levels": {"CLEAR": 0.4, "WARNING": 0.5, "HIGH": 0.7, "CRITICAL": 0.9},
    },
}  # fmt: skip

RISKS = {
    "linear": [0.0, 0.31, 0.83],
    "centrality": [0.12, 0.44, 0.95],
    "electrical": [0.2, 0.1, 0.6],
}
LEVELS = {
    "linear": ["", "", "HIGH"],
    "centrality": ["", "", "CRITICAL"],
    "electrical": ["", "", "WARNING"],
}
LOADS_MW = [301.0, 262.5, 690.0]
TWO = ("linear", "centrality")


def replay(**changes: Any) -> dict[str, Any]:
    """A replay in a ``/replays`` answer."""
    return {
        "replay": "host-1", "state": "running", "run": RUN, "source": "synthetic-2025",
        "speed": "3600", "hurries": False, "to_alarm": False, "next": "2019-01-15T18:00:00Z",
        "begin": "2019-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z", **changes,
    }  # fmt: skip


def record(**changes: Any) -> dict[str, Any]:
    """A run's record in a ``/runs`` answer."""
    return {
        "kind": "replay", "state": "running", "source": "synthetic-2025", "synthetic": True,
        "credit": "Made of statistics.", "start": "2019-01-01T00:00:00Z",
        "end": "2020-01-01T00:00:00Z", "grid": "germany", "grid_fingerprint": "ab" * 32,
        "settings_fingerprint": "cd" * 32, "models": list(TWO), "zones": GRID["zones"],
        "sent": {"TenneT": {"rows": 4, "last_seq": 3, "final": False}},
        "began": "2026-01-01T12:00:00Z", "ended": None, "made_from": None, "changes": [],
        **changes,
    }  # fmt: skip


def state(model: str, version: int = 7, published_at: float = 1e9) -> dict[str, Any]:
    """A ``/state`` answer with one open alarm."""
    risk, level = RISKS[model], LEVELS[model]
    alarms = {name: level.count(name) for name in ("WARNING", "HIGH", "CRITICAL")}
    return {
        "version": version, "model": model, "run": RUN, "event_time": "2019-01-15T18:00:00Z",
        "watermark": "2019-01-15T17:00:00Z", "source": "synthetic-2025", "synthetic": True,
        "ended": False, "speed": 3600.0,
        "nodes": [node["id"] for node in GRID["nodes"]], "risk": risk,
        "stress": [0.0, 0.37, 1.77], "level": level, "load_mw": LOADS_MW,
        "kpis": {"active_alarms": {**alarms, "total": 1},
                 "affected_nodes": sum(r >= 0.05 for r in risk),
                 "average_risk": sum(risk) / 3,
                 "highest_risk": {"node_id": "wendlingen", "risk": risk[2]}},
        "parts": [{"shard": shard, "worker": "host:6066", "published_at": published_at,
                   "event_time": "2019-01-15T18:00:00Z", "watermark": "2019-01-15T17:00:00Z",
                   "closed_until": "2019-01-15T17:00:00Z", "applied": {"TenneT": 341}}
                  for shard in range(2)],
    }  # fmt: skip


def top(model: str) -> dict[str, Any]:
    """A ``/top`` answer."""
    rows = [
        {"node_id": node["id"], "name": node["name"], "zone": node["zone"], "risk": risk,
         "stress": 1.0, "level": level, "change": 0.1 if risk else None}
        for node, risk, level in zip(GRID["nodes"], RISKS[model], LEVELS[model], strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda row: -row["risk"])
    return {"version": 7, "model": model, "run": RUN, "event_time": None, "watermark": None,
            "nodes": rows}  # fmt: skip


def alert(
    model: str = "linear", received_at: float = 1e9, level: str = "HIGH", status: str = "RAISED"
) -> dict[str, Any]:
    """One alert of Wendlingen."""
    return {
        "alert_id": f"e-{status}-{level}", "episode_id": "e", "model": model, "run": RUN,
        "node_id": "wendlingen", "timestamp": "2019-01-15T17:00:00Z",
        "window_start": "2019-01-15T11:00:00Z", "window_end": "2019-01-15T17:00:00Z",
        "risk_score": 0.83, "level": level, "state": status,
        "sources": [{"node_id": "krummel", "share": 0.6}, {"node_id": "diele", "share": 0.4}],
        "received_at": received_at,
    }  # fmt: skip


def node(node_id: str, model: str = "linear") -> dict[str, Any]:
    """A ``/node/{id}`` answer."""
    place = [n["id"] for n in GRID["nodes"]].index(node_id)
    return {
        "version": 7, "node": GRID["nodes"][place], "neighbours": ["krummel"], "model": model,
        "run": RUN, "event_time": "2019-01-15T18:00:00Z", "watermark": "2019-01-15T17:00:00Z",
        "risk": RISKS[model][place],
        "stress": 1.77, "level": LEVELS[model][place],
        "load_mw": LOADS_MW[place],
        "panes": [{"start": "2019-01-15T17:00:00Z", "stress": 0.2}],
        "windows": [{"window_end": "2019-01-15T16:00:00Z", "stress": 0.5, "risk": 0.39},
                    {"window_end": "2019-01-15T17:00:00Z", "stress": 1.7, "risk": 0.82}],
        "sources": [{"node_id": "krummel", "share": 0.6}, {"node_id": "diele", "share": 0.4}],
        "alerts": [alert(model)],
    }  # fmt: skip


def episode(
    name: str = "e1", model: str = "linear", level: str = "HIGH", *, ended: bool = False
) -> dict[str, Any]:
    """One alarm episode of Wendlingen, open unless ``ended``."""
    return {
        "episode_id": name, "model": model, "node_id": "wendlingen", "name": "Wendlingen",
        "zone": "TransnetBW", "level": level, "open": not ended,
        "raised_at": "2019-01-15T15:00:00Z",
        "cleared_at": "2019-01-15T17:00:00Z" if ended else None,
        "duration_s": 7200 if ended else 10_800, "peak_risk": 0.83, "steps": 2,
        "sources": [{"node_id": "krummel", "share": 0.6}], "received_at": 1e9,
    }  # fmt: skip


def history(pair: tuple[str, str] = TWO) -> dict[str, Any]:
    """A ``/compare/history`` answer: three windows, one pair, one alarm of each model alone."""
    one, other = pair
    points = [
        {"window_end": f"2019-01-15T{hour}:00:00Z", "top_k_overlap": overlap,
         "rank_correlation": correlation, "average_risk": {one: 0.2, other: 0.3},
         "alarms": {one: 1, other: 2}}
        for hour, overlap, correlation in ((15, None, None), (16, 0.5, 0.33), (17, 0.67, 0.81))
    ]  # fmt: skip
    return {
        "version": 7, "run": RUN, "k": 10, "points": points,
        "episodes": {"counts": {one: 2, other: 2}, "both": 1,
                     "only": {one: ["e2"], other: ["c2"]}},
        "lead": {"median_s": -3600, "earlier": {one: 0, other: 1}, "same": 0},
    }  # fmt: skip


def compare(pair: tuple[str, str] = TWO) -> dict[str, Any]:
    """A ``/compare`` answer."""
    return {
        "version": 7, "run": RUN, "event_time": "2019-01-15T18:00:00Z",
        "nodes": [node["id"] for node in GRID["nodes"]],
        "models": {model: {"risk": RISKS[model], "level": LEVELS[model], "active_alarms": 1,
                           "average_risk": sum(RISKS[model]) / 3}
                   for model in pair},
        "top_k_overlap": 0.67, "rank_correlation": 1.0,
    }  # fmt: skip


def worker(name: str = "host:6066", seen_at: float = 1e9) -> dict[str, Any]:
    """One worker as ``/system`` tells of it."""
    return {
        "worker": name, "version": "0.1.0", "python": "3.11.7", "faust": "0.15.3",
        "started_at": seen_at - 7300, "seen_at": seen_at, "status": "ok",
        "partitions": {"grid_measurements": [0, 1], "stress_events": [0, 1, 2, 3]},
        "lag": {"grid_measurements": 0, "stress_events": 1234},
        "frames": {"detection": 120, "propagation": 480},
        "frames_per_s": {"detection": 4.0, "propagation": 16.5}, "duplicates": 3,
        "late_rows": 2, "ahead_rows": 5,
        "gaps": 1, "dead_letters": {"invalid": 2, "unknown_zone": 1}, "rss_mb": 140.2,
    }  # fmt: skip


def system(now: float = 1e9) -> dict[str, Any]:
    """A ``/system`` answer with one worker."""
    return {
        "version": 7, "now": now, "workers": [worker(seen_at=now)],
        "settings": {"GRIDSTRESS_STEP_S": "3600", "GRIDSTRESS_SIZE_S": "21600",
                     "GRIDSTRESS_BROKER": "kafka://127.0.0.1:29092"},
    }  # fmt: skip


def past_run(run: str, written_at: float = 1e9) -> dict[str, Any]:
    """A run in a ``/history/runs`` answer."""
    return {
        "run": run, "begins": "2018-01-01T00:00:00Z", "ends": "2019-01-01T00:00:00Z",
        "rows": 8760, "episodes": 12, "bytes": 5_000_000, "written_at": written_at,
        "record": record(state="ended"),
    }  # fmt: skip


def extremes(model: str) -> dict[str, Any]:
    """A ``/history/extremes`` answer: two days, with an alarm at 10 h and one at 33 h."""
    ends = [f"2019-01-{14 + h // 24}T{h % 24:02d}:00:00Z" for h in range(42)]
    return {
        "run": RUN, "model": model, "window_end": ends,
        "risk": [0.6 if h in (10, 33) else 0.1 for h in range(42)],
        "raised": [int(h in (10, 33)) for h in range(42)],
    }  # fmt: skip


LAST = "2019-01-15T17:00Z"
"""The last moment of the run, as the dashboard asks for it."""


def answers(published_at: float = 1e9, models: tuple[str, ...] = TWO) -> dict[str, Any]:
    """The answer to every request, by path and model: change them as a test needs.

    Of the pairs of models the first has its answers below the path alone.
    """
    found: dict[str, Any] = {
        "grid": GRID | {"models": list(models)},
        "runs": {"runs": [{"run": RUN, "event_time": "2019-01-15T18:00:00Z",
                           "watermark": "2019-01-15T17:00:00Z", "ended": False,
                           "published_at": published_at, "record": record()}]},
        "history/runs": {"runs": []},
        "replays": {"replays": []},
        "health": {"status": "ok", "worker": "host:6066", "version": "0.1.0", "now": published_at,
                   "uptime_s": 12.0, "partitions": {"grid_measurements": [0, 1]}, "counters": {},
                   "lost_records": [], "idle_zones": [], "parts": []},
        "episodes": {"version": 7, "run": RUN, "event_time": "2019-01-15T18:00:00Z",
                     "episodes": [episode("c1", "centrality", "CRITICAL"), episode("e1"),
                                  episode("c2", "centrality", "WARNING", ended=True),
                                  episode("e2", "linear", "WARNING", ended=True)]},
        "compare": compare(),
        "compare/history": history(),
        "system": system(published_at),
    }  # fmt: skip
    for pair in list(combinations(models, 2))[1:]:
        found[f"compare/{','.join(pair)}"] = compare(pair) | {"top_k_overlap": 0.25}
        found[f"compare/history/{','.join(pair)}"] = history(pair)
    for model in models:
        found[f"state/{model}"] = state(model, published_at=published_at)
        found[f"top/{model}"] = top(model)
        found[f"history/extremes/{model}"] = extremes(model)
        found[f"alerts/{model}"] = {
            "version": 7, "model": model, "run": RUN, "event_time": "2019-01-15T18:00:00Z",
            "watermark": "2019-01-15T17:00:00Z", "alerts": [alert(model, published_at - 60)],
        }  # fmt: skip
        for row in GRID["nodes"]:
            found[f"node/{row['id']}/{model}"] = node(row["id"], model)
    return copy.deepcopy(found)


class LiteralApi(ThreadingHTTPServer):
    """The server: ``answers`` to give, ``asked`` paths with their status, ``etag`` to force one.

    ``commands`` to replays are kept; they are refused with the text ``refused``, if there is one.

    ``live``: every state says that it was published just now, however long a test takes.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, found: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers = found
        self.asked: list[tuple[str, int]] = []
        self.etag: str | None = None
        self.broken = False
        self.live = False
        self.commands: list[Any] = []
        self.refused = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LiteralApi

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        path = split.path.removeprefix("/api/v1/")
        query = parse_qs(split.query)
        model, run = query.get("model", ["linear"])[0], query.get("run", [RUN])[0]
        # Another run's answers stand below its name.
        known = self.server.answers if run == RUN else self.server.answers.get(run, {})
        # So do those of a moment that differ from the answers of now.
        known = {**known, **known.get(query.get("at", [""])[0], {})}
        pair = query.get("models", [""])[0]
        # Of two runs the answer stands below the second one's name.
        path += "".join(f" with {other}" for other in query.get("with", ()))
        found = next(
            (known[key] for key in (f"{path}/{pair}", path, f"{path}/{model}") if key in known),
            None,
        )
        if self.server.live and path == "state" and found:
            now = time.time()
            found = {**found, "parts": [{**p, "published_at": now} for p in found["parts"]]}
        status = 500 if self.server.broken else 200 if found else 404
        if path == "health" and found and found["status"] != "ok":
            status = 503
        body = json.dumps(found or {"error": f"unknown node {path!r}", "exists": ["diele"]})
        tag = self.server.etag or f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, body = 304, ""
        self.server.asked.append((path, status))
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        self.server.commands.append(
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        )
        refused = self.server.refused
        body = json.dumps(
            {"error": refused} if refused else self.server.answers["replays"]["replays"][0]
        )
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def literal_api(
    port: int = 0, found: dict[str, Any] | None = None, *, live: bool = False
) -> Iterator[LiteralApi]:
    """The server on a free port of loopback, or on ``port``."""
    server = LiteralApi(port, found or answers())
    server.live = live
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
