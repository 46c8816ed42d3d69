"""Measure what the dashboard costs: a real broker, worker, replay and Chromium, grid by grid.

python -m scripts.measure_dashboard --nodes 57 585 2000 --viewers 1 10

One viewer is a Chromium: its callbacks' answers are counted (bytes as sent, time from request to
last byte), and how often a second its map changes while new values come every second. The other
viewers send what that one has sent, as often, without drawing it: ten Chromiums on one machine
would measure Chromium.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.harness.brokers import embedded_broker
from bench.harness.browser import launch
from gridstress.local import processes
from tests.integration.harness import Stack, wait_for

PATTERN_S = 10.0
"""How much of the first viewer's questions the others repeat."""

COUNT_CHANGES = """() => {
  window.changes = 0;
  let changed = false;
  const map = document.querySelector('#map .js-plotly-plot');
  map.on('plotly_afterplot', () => { changed = true; });
  setInterval(() => { if (changed) { window.changes += 1; changed = false; } }, 50);
}"""


@dataclass
class Measured:
    """One row of the table."""

    nodes: int
    viewers: int
    updates_per_s: float
    bytes_per_update: float
    bytes_per_s: float
    callback_p50_ms: float
    callback_p95_ms: float
    worker_cpu: float
    dashboard_cpu: float
    dashboard_rss_mb: float


@dataclass
class Answers:
    """What a viewer's callbacks were sent."""

    bytes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    questions: list[tuple[float, str]] = field(default_factory=list)
    _asked: dict[str, float] = field(default_factory=dict)

    def follow(self, page: Any) -> None:
        """Listen to the page's network."""
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.requestWillBeSent", self._on_request)
        network.on("Network.loadingFinished", self._on_finished)

    def _on_request(self, event: dict[str, Any]) -> None:
        if "_dash-update-component" in event["request"]["url"]:
            self._asked[event["requestId"]] = event["timestamp"]
            self.questions.append((event["timestamp"], event["request"].get("postData", "")))

    def _on_finished(self, event: dict[str, Any]) -> None:
        if (asked := self._asked.pop(event["requestId"], None)) is not None:
            self.bytes.append(event["encodedDataLength"])
            self.seconds.append(event["timestamp"] - asked)


def main() -> int:
    """Print a table, and JSON lines if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[57, 585, 2000])
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    parser.add_argument("--path", default="/", help="the page to look at")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    options = parser.parse_args()
    rows = []
    for nodes in options.nodes:
        with running(nodes) as (url, worker, dashboard), launch() as browser:
            pids = worker.service.pid, dashboard.pid
            for viewers in options.viewers:
                row = measure(browser, url + options.path, nodes, viewers, options.seconds, *pids)
                rows.append(row)
                sys.stdout.write(f"{row}\n")
    _print_table(rows)
    if options.json:
        options.json.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    return 0


@contextmanager
def running(nodes: int, replay: Sequence[str] = ("--start", "2025-01-07")) -> Any:
    """Run a broker, a worker, a dashboard and a replay; the dashboard's URL, and both processes.

    By default it sends January, an hour a second: stress is high, so that map and tables are full.
    """
    with tempfile.TemporaryDirectory() as directory, embedded_broker() as broker:
        root = Path(directory)
        grid = "germany"
        with Stack(broker.bootstrap, root, hasty=False) as stack:
            if nodes != 57:
                grid = str(root / "grid.json")
                made = stack.command("topology", "refine", "--nodes", str(nodes), "-o", grid)
                assert made.returncode == 0, made.stderr
            stack.environment["GRIDSTRESS_TOPOLOGY"] = grid
            worker = stack.add_worker()
            port = processes.free_port()
            dashboard = stack.start("ui", "--port", str(port), "--workers", worker.url)
            wait_for(lambda: not processes.is_free(port), "the dashboard listens", 30)
            stack.start("replay", "--run", "synthetic-january", *replay)
            wait_for(lambda: worker.get("top").get("nodes"), "nodes at risk", 120)
            yield f"http://127.0.0.1:{port}", worker, dashboard


def measure(
    browser: Any,
    url: str,
    nodes: int,
    viewers: int,
    seconds: float,
    worker: int,
    dashboard: int,
) -> Measured:
    """Look at the page with so many viewers for so many seconds."""
    page, trial, answers = _open(browser, url), Answers(), Answers()
    trial.follow(page)
    page.wait_for_timeout(PATTERN_S * 1_000)
    page.evaluate(COUNT_CHANGES)
    measured = [psutil.Process(worker), psutil.Process(dashboard)]
    with _others(url, viewers - 1, trial.questions):
        answers.follow(page)
        before, began = [_cpu_s(p) for p in measured], time.monotonic()
        changes = page.evaluate("() => window.changes")
        page.wait_for_timeout(seconds * 1_000)
        span_s = time.monotonic() - began
        cpu = [(_cpu_s(p) - b) / span_s for p, b in zip(measured, before, strict=True)]
        updates = (page.evaluate("() => window.changes") - changes) / span_s
        rss = measured[1].memory_info().rss / 1e6
    page.close()
    ordered = sorted(answers.seconds)
    return Measured(
        nodes,
        viewers,
        updates,
        sum(answers.bytes) / span_s / updates if updates else 0.0,
        sum(answers.bytes) / span_s,
        statistics.median(ordered) * 1e3,
        ordered[int(0.95 * (len(ordered) - 1))] * 1e3,
        *cpu,
        rss,
    )


def _open(browser: Any, url: str) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.wait_for_selector("#map .point", timeout=60_000)
    page.wait_for_timeout(3_000)  # the first answers carry the whole figures
    return page


@contextmanager
def _others(url: str, viewers: int, questions: list[tuple[float, str]]) -> Iterator[None]:
    """Ask what a viewer has asked, in its rhythm, again and again, so many times at once."""
    address = httpx.URL(url).join("/_dash-update-component")
    done = threading.Event()

    def ask(delay_s: float) -> None:
        done.wait(delay_s)
        with httpx.Client(headers={"Content-Type": "application/json"}) as client:
            while not done.is_set():
                began, first = time.monotonic(), questions[0][0]
                for at, body in questions:
                    done.wait(max(0.0, began + at - first - time.monotonic()))
                    client.post(address, content=body).raise_for_status()

    threads = [
        threading.Thread(target=ask, args=(PATTERN_S * i / viewers,)) for i in range(viewers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _print_table(rows: list[Measured]) -> None:
    columns: list[tuple[str, Callable[[Measured], str]]] = [
        ("nodes", lambda r: f"{r.nodes:,}"),
        ("viewers", lambda r: str(r.viewers)),
        ("updates/s", lambda r: f"{r.updates_per_s:.2f}"),
        ("kB an update", lambda r: f"{r.bytes_per_update / 1e3:.0f}"),
        ("callback p50, ms", lambda r: f"{r.callback_p50_ms:.0f}"),
        ("callback p95, ms", lambda r: f"{r.callback_p95_ms:.0f}"),
        ("worker CPU", lambda r: f"{r.worker_cpu:.0%}"),
        ("dashboard CPU", lambda r: f"{r.dashboard_cpu:.0%}"),
        ("dashboard RSS, MB", lambda r: f"{r.dashboard_rss_mb:.0f}"),
    ]
    lines = [
        [name for name, _ in columns],
        ["---"] * len(columns),
        *([show(row) for _, show in columns] for row in rows),
    ]
    sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
