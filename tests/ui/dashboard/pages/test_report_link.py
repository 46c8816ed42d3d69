import pytest
from dash import html

from tests.ui import literal_api
from ui.client.http import ApiClient
from ui.client.poller import Poller
from ui.client.snapshot import Snapshot
from ui.dashboard import create_dashboard
from ui.dashboard.pages.compare.report_link import report_words
from ui.reports import report_name
from ui.schema.runs import RunInfo


@pytest.fixture
def browser(tmp_path):
    (tmp_path / "winter.html").write_text("of winter")
    (tmp_path / "key.pem").write_text("secret")
    (tmp_path.parent / "above.html").write_text("secret")
    with literal_api.literal_api() as api:
        poller = Poller(ApiClient(api.url))
        yield create_dashboard(poller, reports=tmp_path).server.test_client()
        poller.stop()


def test_a_report_is_served_apart_from_the_dashboard(browser):
    answer = browser.get("/reports/winter.html")
    assert (answer.status_code, answer.text) == (200, "of winter")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["summer.html", "key.pem", "..%2Fabove.html", "../above.html", "winter", ".html", "%00"]
)
def test_nothing_but_reports_is_served(browser, name):
    answer = browser.get(f"/reports/{name}")
    assert "secret" not in answer.text
    assert answer.status_code == 404 or "of winter" not in answer.text


def of(run: str | None, *newer: str) -> Snapshot:
    names = (*newer, *([run] if run else []))
    runs = tuple(RunInfo(name, None, None, ended=True, published_at=0) for name in names)
    return Snapshot(run=runs[-1] if run else None, runs=runs)


def test_the_words_are_a_link_a_command_or_nothing(tmp_path):
    (tmp_path / report_name("winter 2025")).write_text("of winter")
    link = report_words(tmp_path, of("winter 2025"))
    assert isinstance(link, html.A)
    assert link.href == f"/reports/{report_name('winter 2025')}"
    assert report_words(tmp_path, of("summer"))[1].children == "gridstress compare"
    earlier = report_words(tmp_path, of("the first", "summer"))
    assert earlier[1].children == "gridstress compare --run 'the first'"
    assert report_words(tmp_path, of(None)) == ""


def test_the_report_of_two_runs_is_one_of_its_own(tmp_path):
    command = report_words(tmp_path, of("summer"), "winter 2025")[1].children
    assert command == "gridstress compare --run summer --with 'winter 2025'"
    (tmp_path / report_name("summer with winter 2025")).write_text("of both")
    link = report_words(tmp_path, of("summer"), "winter 2025")
    assert (link.children, link.href.startswith("/reports/summer")) == ("Report of both runs", True)
