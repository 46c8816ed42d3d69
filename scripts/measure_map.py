"""Measure the map: how soon it is there, how it follows the time bar, how it zooms.

python -m scripts.measure_map --nodes 57 585 2000 9241

A real broker, worker, replay of a week and Chromium; frames depend on whether the
browser draws with a GPU, which is printed.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.harness.browser import launch
from scripts.measure_dashboard import running

SPAN = ("--start", "2025-01-07", "--until", "2025-01-14")
MOVES = 80
STEPS = 12

RECORD = """() => {
  const log = (window.mapLog = { asked: {}, took: [], frames: [] });
  const { to } = window.gridstressFollow;
  window.gridstressFollow.to = (moment, wanted) => {
    log.asked[moment] ??= performance.now();
    return to(moment, wanted);
  };
  let answered = null;
  const { fetch } = window;
  window.fetch = async (...given) => {
    const answer = await fetch(...given);
    const at = new URL(given[0], location).searchParams.get("at");
    if (at) answered = at;
    return answer;
  };
  document.querySelector("#map .js-plotly-plot").on("plotly_afterplot", () => {
    // Drawn, and painted with the next frame.
    const moment = answered;
    answered = null;
    if (moment) requestAnimationFrame(() => log.took.push(performance.now() - log.asked[moment]));
  });
}"""
FRAMES = """() => {
  const frames = (window.mapLog.frames = []);
  const frame = (now) => {
    frames.push(now);
    if (frames.length < 1e4) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
RENDERER = """() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const info = gl && gl.getExtension("WEBGL_debug_renderer_info");
  return info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "no WebGL";
}"""


@dataclass
class Measured:
    """One row of the table; times in ms but for the first map, frames a second while zooming."""

    nodes: int
    first_map_s: float
    follows_p50_ms: float
    follows_p95_ms: float
    drawn: int
    zoom_fps: float
    longest_frame_ms: float


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[57, 585, 2000])
    options = parser.parse_args()
    for nodes in options.nodes:
        with running(nodes, (*SPAN, "--speed", "max")) as (url, worker, _), launch() as browser:
            while not worker_has_all(worker):
                time.sleep(0.5)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            sys.stdout.write(f"{measure(page, url, nodes)}, {page.evaluate(RENDERER)}\n")
            sys.stdout.flush()
    return 0


def worker_has_all(worker: Any) -> bool:
    """Whether the run's last window is final."""
    runs = worker.get("runs")["runs"]
    return bool(runs) and bool(runs[0]["ended"])


def measure(page: Any, url: str, nodes: int) -> Measured:
    """Open the overview, drag the time bar, zoom the map."""
    began = time.monotonic()
    page.goto(url)
    page.wait_for_selector("#map .point", timeout=120_000)
    first_map_s = time.monotonic() - began
    page.wait_for_selector("#time-play:enabled")
    page.evaluate(RECORD)
    box = page.locator("#time-strip").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 10)
    page.mouse.down()
    for move in range(MOVES):
        part = 0.1 + 0.8 * move / MOVES
        page.mouse.move(box["x"] + part * box["width"], box["y"] + 10 + 20 * (move % 2))
        page.wait_for_timeout(50)
    page.mouse.up()
    page.wait_for_timeout(2_000)
    took = sorted(page.evaluate("() => window.mapLog.took"))
    page.locator("#map").hover()
    page.evaluate(FRAMES)
    for _ in range(STEPS):
        page.mouse.wheel(0, -120)
        page.wait_for_timeout(100)
    frames = page.evaluate("() => window.mapLog.frames")
    gaps = [after - before for before, after in pairwise(frames)]
    return Measured(
        nodes,
        round(first_map_s, 2),
        round(statistics.median(took)),
        round(took[int(0.95 * (len(took) - 1))]),
        len(took),
        round(1000 * len(gaps) / sum(gaps), 1),
        round(max(gaps)),
    )


if __name__ == "__main__":
    sys.exit(main())
