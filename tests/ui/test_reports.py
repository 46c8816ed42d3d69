import pytest

from ui.reports import is_report_name, report_name

RUNS = [
    "winter",
    "winter 2025",
    "a/b",
    "a_b",
    "a?b",
    "../../etc/passwd",
    "...",
    ".a",
    "ü" * 128,
    "x" * 300,
    "x" * 301,
]


def test_every_run_has_a_report_of_its_own():
    assert report_name("winter") == "winter.html"
    assert report_name("a_b") == "a_b.html"
    assert report_name("a/b").startswith("a_b~")
    assert len({report_name(run) for run in RUNS}) == len(RUNS)


@pytest.mark.parametrize("run", RUNS)
def test_a_runs_name_cannot_lead_out_of_the_directory(run):
    name = report_name(run)
    assert is_report_name(name)
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) < 200


@pytest.mark.parametrize(
    "name", ["../a.html", ".html", "..html", "a/b.html", "a.htm", "a.html\n", "a" * 250 + ".html"]
)
def test_nothing_else_is_served(name):
    assert not is_report_name(name)
