from xml.etree import ElementTree

import pytest

from bench.harness.case import Case
from bench.results.picture import BOTTOM, LABEL_GAP, curve_svg, spread_apart, ticks
from bench.results.results import Results
from topology.errors import DataError

SVG = "{http://www.w3.org/2000/svg}"


def curve(*rows_per_s: float) -> Results:
    results = Results()
    for pace in rows_per_s:
        about = {**Case().to_dict(), "pace": f"{pace:g} % of the sustained rate"}
        for name, factor in (("p50", 1.0), ("p95", 2.0), ("p99", 3.0)):
            results.add("curve", name, "ms", about, [factor * pace])
        results.add("curve", "rows sent", "/s", about, [pace])
    return results


def test_the_curve_has_a_point_for_each_pace_from_the_slowest_to_the_fastest():
    root = ElementTree.fromstring(curve_svg(curve(90, 10, 50)))
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 3
    for line in lines:
        points = [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]
        assert points == sorted(points, key=lambda point: (point[0], -point[1]))
        assert len(points) == 3
    words = [text.text for text in root.findall(f"{SVG}text")]
    assert {"10 %", "50 %", "90 %", "p50", "p95", "p99"} <= set(words)


def test_a_latency_of_0_ms_is_drawn_at_the_bottom():
    results = curve(10, 50)
    for figure in results.figures:
        if figure.name == "p50":
            figure.values[:] = [0.0]
    svg = curve_svg(results)
    line = ElementTree.fromstring(svg).findall(f"{SVG}polyline")[0]
    heights = {float(p.split(",")[1]) for p in line.get("points", "").split()}
    assert heights == {BOTTOM}
    assert "p50 0 ms, 0 ms" in svg


def test_the_curve_has_colours_for_dark_pages():
    assert "prefers-color-scheme: dark" in curve_svg(curve(1, 2))


def test_a_result_without_a_curve_is_refused():
    with pytest.raises(DataError, match="no latency curve"):
        curve_svg(curve(10))


def test_ticks_enclose_all_values():
    assert ticks(12, 180) == [10, 20, 50, 100, 200]
    assert ticks(0.3, 0.4) == pytest.approx([0.2, 0.5])
    assert ticks(10, 10) == [10, 20]


def test_labels_that_would_overlap_move_up():
    assert spread_apart([100, 98, 20]) == [100, 100 - LABEL_GAP, 20]
    assert spread_apart([50, 50, 50]) == [50, 50 - LABEL_GAP, 50 - 2 * LABEL_GAP]
