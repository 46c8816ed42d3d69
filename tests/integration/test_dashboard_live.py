"""The dashboard on a run that has ended: a real worker, a real broker, a real browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.dashboards import drawn_risks, serve_dashboard
from tests.integration.harness import Stack
from tests.support.browser import address_has, expect, trace, until, watched_pages

pytestmark = pytest.mark.browser

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(broker, tmp_path_factory.mktemp("stack")) as running:
        running.add_worker()
        span = ["--start", "2025-01-07", "--until", "2025-01-10T19:00Z", "--speed", "max"]
        assert running.command("replay", "--run", "synthetic-week", *span).returncode == 0
        running.verify("synthetic-week")
        yield running


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    return serve_dashboard(stack)[0]


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Ask]:
    with watched_pages(chromium, address) as opener:
        yield opener


@pytest.fixture
def ask(stack: Stack) -> Ask:
    """Asks the worker itself, past the dashboard."""
    return stack.workers[0].get


def shown(page: Any, model: dict[str, Any]) -> None:
    """The overview's figures are those of a ``/state`` answer."""
    kpis = model["kpis"]
    expect(page.locator("#kpi-alarms")).to_have_text(str(kpis["active_alarms"]["total"]))
    expect(page.locator("#kpi-affected")).to_have_text(str(kpis["affected_nodes"]))
    expect(page.locator("#kpi-average")).to_have_text(f"{kpis['average_risk']:.2f}")
    expect(page.locator("#kpi-highest")).to_have_text(f"{kpis['highest_risk']['risk']:.2f}")
    risks = dict(zip(model["nodes"], model["risk"], strict=True))
    until(lambda: drawn_risks(page) == pytest.approx(risks, abs=1e-3))


def test_the_overview_shows_what_the_worker_says(open_page: Ask, ask: Ask) -> None:
    page = open_page()
    expect(page.locator("#status-title")).to_have_text("Run ended")
    expect(page.locator("#run")).to_have_text("run synthetic-week")
    expect(page.locator("#kpi-time")).to_have_text("Fri 10 Jan 2025 18:00")
    shown(page, ask("state", model="linear"))
    names = [node["name"] for node in ask("top", model="linear")["nodes"][:3]]
    for place, name in enumerate(names):
        row = page.locator(f'#top .ag-center-cols-container .ag-row[row-index="{place}"]')
        expect(row).to_contain_text(name)


def test_the_model_switch_shows_the_other_models_values(open_page: Ask, ask: Ask) -> None:
    linear, centrality = ask("state", model="linear"), ask("state", model="centrality")
    assert linear["risk"] != centrality["risk"]
    page = open_page()
    shown(page, linear)
    page.get_by_text("Centrality-based", exact=True).first.click()
    shown(page, centrality)


def test_compare_shows_both_models_as_the_worker_reckons_them(open_page: Ask, ask: Ask) -> None:
    page = open_page("/compare")
    found, history = ask("compare"), ask("compare/history")
    expect(page.locator("#compare-overlap")).to_have_text(f"{found['top_k_overlap']:.2f}")
    expect(page.locator("#compare-order")).to_have_text(
        f"{found['rank_correlation']:.2f}".replace("-", "−")
    )
    both = [found["models"][name] for name in ("linear", "centrality")]
    alarms = " · ".join(str(model["active_alarms"]) for model in both)
    expect(page.locator("#compare-alarms")).to_have_text(alarms)
    for axis, model in zip("xy", both, strict=True):
        risks = pytest.approx(sorted(model["risk"]), abs=1e-3)
        until(lambda axis=axis, risks=risks: sorted(scattered(page, axis)) == risks)
    windows = f"{len(history['points'])} final windows"
    expect(page.locator("#compare-history-note")).to_have_text(windows)


def scattered(page: Any, axis: str) -> list[float]:
    return trace(page, "compare-scatter", 1, axis) or []


def test_alarms_are_the_workers_episodes_and_a_click_opens_the_node(
    open_page: Ask, ask: Ask
) -> None:
    page = open_page("/alarms")
    episodes = ask("episodes", limit="2000")["episodes"]
    expect(page.locator("#alarms-count")).to_have_text(f"{len(episodes)} episodes")
    critical = [row for row in episodes if row["level"] == "CRITICAL"]
    page.get_by_text("CRITICAL", exact=True).first.click()
    expect(page.locator("#alarms-count")).to_have_text(
        re.compile(rf"^{len(critical)} episodes? left by the filters$")
    )
    row = page.locator('.alarms-table .ag-center-cols-container .ag-row[row-index="0"]')
    name = row.locator("[col-id=name]").inner_text()
    row.locator("[col-id=zone]").click()
    expect(page.locator("#node-title")).to_contain_text(name)
    (node_id,) = {row["node_id"] for row in critical if row["name"] == name}
    address_has(page, f"/node/{node_id}?model=")


def test_the_node_page_shows_both_models_windows(open_page: Ask, ask: Ask) -> None:
    (first, *_) = ask("top", model="linear")["nodes"]
    page = open_page(f"/node/{first['node_id']}")
    expect(page.locator("#node-title")).to_contain_text(first["name"])
    for place, model in enumerate(("linear", "centrality")):
        found = ask(f"node/{first['node_id']}", model=model)
        expect(page.locator(f"#node-values-{place}")).to_contain_text(f"{found['risk']:.2f}")
        risks = pytest.approx([window["risk"] for window in found["windows"]], abs=1e-3)
        until(lambda place=place, risks=risks: trace(page, "node-history", place, "y") == risks)
        source = found["sources"][0]["share"]
        expect(page.locator(f"#node-sources-{place}")).to_contain_text(f"{source:.0%}")


def test_the_system_page_shows_the_worker_and_what_it_owns(open_page: Ask, stack: Stack) -> None:
    page, worker = open_page("/system"), stack.workers[0].status()
    expect(page.locator("#system-workers")).to_have_text("1")
    expect(page.locator("#system-workers-table tbody")).to_contain_text(worker["version"])
    expect(page.locator("#system-workers-table tbody")).to_contain_text(worker["faust"])
    for topic in worker["partitions"]:
        expect(page.locator("#system-partitions")).to_contain_text(topic)
    expect(page.locator("#system-refused")).to_have_text("0")
    expect(page.locator("#system-settings")).to_contain_text("GRIDSTRESS_")


def test_a_click_on_a_node_of_the_map_leads_to_its_page(open_page: Ask, ask: Ask) -> None:
    page = open_page()
    shown(page, ask("state", model="linear"))
    expect(page.locator("[data-dash-is-loading]")).to_have_count(0)
    click_node(page, "ottenhofen")
    expect(page.locator("#detail-title")).to_contain_text("Ottenhofen")
    page.locator("#detail-title a").click()
    expect(page.locator("#node-title")).to_contain_text("Ottenhofen")
    address_has(page, "/node/ottenhofen")


def click_node(page: Any, node_id: str) -> None:
    """Click where plotly has drawn the node, as a hand would: once the pointer is seen there."""
    until(lambda: hovered(page, node_id) == node_id)
    page.mouse.down()
    page.mouse.up()


def hovered(page: Any, node_id: str) -> Any:
    """Move the pointer to a node of the map, which may still move; the node that is hovered."""
    spot = page.evaluate(
        "id => { const plot = document.querySelector('#map .js-plotly-plot');"
        " const trace = plot._fullData.find(t => t.name === 'nodes');"
        " const place = Array.from(trace.customdata).indexOf(id);"
        " const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();"
        " return [box.x + xaxis._offset + xaxis.d2p(trace.x[place]),"
        "         box.y + yaxis._offset + yaxis.d2p(trace.y[place])]; }",
        node_id,
    )
    page.mouse.move(*spot)
    return page.evaluate(
        "() => document.querySelector('#map .js-plotly-plot')._hoverdata?.[0]?.customdata"
    )
