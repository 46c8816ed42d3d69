"""SMARD's chart data on loopback: made-up loads, a week a file."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

QUARTER_S = 900
BERLIN = ZoneInfo("Europe/Berlin")
REGIONS = ("DE", "50Hertz", "Amprion", "TenneT", "TransnetBW")


def energy_mwh(region: str, time_s: int) -> float:
    """Made-up load of a region in a quarter of an hour."""
    return 1000 * (1 + REGIONS.index(region)) + time_s // QUARTER_S % 96


def mondays(first: str, count: int) -> list[int]:
    """Starts of weeks, epoch seconds, from a Monday such as ``2019-01-07`` on."""
    day = dt.datetime.fromisoformat(first).replace(tzinfo=BERLIN)
    return [int((day + dt.timedelta(days=7 * week)).timestamp()) for week in range(count)]


def week_after(time_s: int) -> int:
    """Seven days later on the German clock."""
    return int((dt.datetime.fromtimestamp(time_s, BERLIN) + dt.timedelta(days=7)).timestamp())


@dataclass
class SmardPlatform:
    """What it has, and what it was asked.

    Attributes
    ----------
    weeks
        Their starts, epoch seconds; each lasts seven days of the German clock.
    beyond
        Quarter-hours that each week has beyond its end.
    holes
        Times it has no value for.
    broken
        Answers by path that are given instead: a status and a body.
    asked
        Paths, in order.
    """

    address: str
    weeks: list[int]
    beyond: int = 0
    holes: set[int] = field(default_factory=set)
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def path(self, region: str, week: int) -> str:
        """Path of a week."""
        return f"/410/{region}/410_{region}_quarterhour_{self.weeks[week] * 1000}.json"

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body of an answer; a proxy is asked with the whole address."""
        path = urlsplit(path).path
        self.asked.append(path)
        if path in self.broken:
            return self.broken[path]
        _, number, region, name = path.split("/")
        if number != "410" or region not in REGIONS:
            return 404, b"not found"
        if name == "index_quarterhour.json":
            return 200, json.dumps({"timestamps": [w * 1000 for w in self.weeks]}).encode()
        start = int(name.removesuffix(".json").rpartition("_")[2]) // 1000
        series = [
            [t * 1000, None if t in self.holes else energy_mwh(region, t)]
            for t in range(start, week_after(start) + self.beyond * QUARTER_S, QUARTER_S)
        ]
        document = {"meta_data": {"version": 1, "created": start * 1000}, "series": series}
        return 200, json.dumps(document).encode()


@contextmanager
def smard_platform(weeks: list[int]) -> Iterator[SmardPlatform]:
    """Serve it for the length of a ``with`` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = platform.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        platform = SmardPlatform(f"http://127.0.0.1:{server.server_port}", weeks)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown()
            thread.join()
