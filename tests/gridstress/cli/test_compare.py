import json
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from gridstress.cli import app

WEEK = ["--start", "2025-01-13", "--until", "2025-01-20"]
run = CliRunner()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Seen(HTMLParser):
    """What a page holds: its headings, its figures, and what it would fetch from elsewhere."""

    def __init__(self):
        super().__init__()
        self.headings, self.fetched, self.figures = [], [], 0
        self._in_heading = False

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._in_heading = tag == "h2"
        self.figures += "plotly-graph-div" in given.get("class", "")
        if tag in {"script", "img", "link"}:
            self.fetched += [given[key] for key in ("src", "href") if key in given]

    def handle_data(self, data):
        if self._in_heading and data.strip():
            self.headings.append(data.strip())


def seen(path):
    page = Seen()
    page.feed(path.read_text(encoding="utf-8"))
    return page


@pytest.fixture(scope="module")
def whole_week(tmp_path_factory):
    """What a comparison with all its parts says as JSON, and its report."""
    path = tmp_path_factory.mktemp("compare") / "elsewhere" / "r.html"
    done = run.invoke(app, ["compare", "synthetic", *WEEK, "--json", "--html", str(path)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), path


def test_the_report_is_one_file(whole_week):
    page = seen(whole_week[1])
    assert page.headings == [
        "Each model",
        "Linear attenuation and Centrality-based",
        "Against DC power flow",
        "If a parameter were another: Linear attenuation and Centrality-based",
    ]
    assert page.fetched == []
    assert page.figures == 2 + 3 + 1 + 4


def test_json_holds_all_of_it(whole_week):
    found, _ = whole_week
    assert found["windows"] == 7 * 24
    assert set(found["models"]) == {"linear", "centrality"}
    (pair,) = found["pairs"]
    assert len(pair["window_ends"]) == len(pair["kendall_at"]) == found["windows"]
    assert 0 < pair["jaccard"] < 1
    assert len(found["sweep"]) == 18
    assert found["score"]["lead"]["linear"]["spearman"]["over"] == "distance"


def test_a_load_is_compared_without_a_broker_in_words(elsewhere):
    done = run.invoke(app, ["compare", "synthetic", *WEEK, "--no-sweep"])
    assert done.exit_code == 0, done.output
    assert "node-hours in alarm" in done.output
    assert "Linear attenuation is better than distance alone in" in done.output
    page = seen(elsewhere / ".gridstress/reports/synthetic.html")
    assert "Against DC power flow" in page.headings
    assert not any("parameter" in heading for heading in page.headings)


def test_parts_can_be_left_out_and_models_added():
    options = ["--no-sweep", "--no-physics", "--models", "linear,electrical,centrality", "--json"]
    found = json.loads(run.invoke(app, ["compare", "synthetic", *WEEK, *options]).stdout)
    assert [(p["first"], p["second"]) for p in found["pairs"]] == [
        ("linear", "electrical"),
        ("linear", "centrality"),
        ("electrical", "centrality"),
    ]
    assert (found["sweep"], found["score"]) == ([], None)


def test_frames_of_a_replay_give_what_its_load_gives(elsewhere):
    path = elsewhere / "frames.jsonl"
    frames = ["replay", "synthetic", *WEEK, "--run", "w", "--output", str(path)]
    assert run.invoke(app, frames).exit_code == 0
    quick = ["--no-sweep", "--no-physics", "--json"]
    of_file = json.loads(run.invoke(app, ["compare", "--frames", str(path), *quick]).stdout)
    of_load = json.loads(run.invoke(app, ["compare", "synthetic", *WEEK, *quick]).stdout)
    assert (of_file.pop("run"), of_load.pop("run")) == ("w", "synthetic")
    assert of_file == of_load


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synthetic", "--run", "x"], "a load goes neither with --run nor with --frames"),
        (["--start", "2025-01-01"], "--start and --until are for a load"),
        (["nowhere.csv"], "nowhere.csv"),
        (["synthetic", "--start", "soon"], "--start 'soon' is not a time"),
        (["synthetic", "--models", "quadratic"], "quadratic"),
    ],
)
def test_what_cannot_be_compared_is_reported(arguments, message):
    done = run.invoke(app, ["compare", *arguments])
    assert done.exit_code != 0
    assert message in str(done.exception)


def test_score_tells_every_model_and_baseline_and_what_lines_outages_do():
    done = run.invoke(app, ["score", "germany"])
    assert done.exit_code == 0, done.output
    for name in ("Linear", "Centrality-based", "Electrical", "Distance", "Degree"):
        assert name in done.output
    assert "N-1: 4 of 93 outages overload a line, at 7 of 57 nodes" in done.output


def test_who_knows_lengths_alone_is_scored_by_the_true_reactances(elsewhere):
    grid = json.loads(run.invoke(app, ["topology", "show", "--json"]).stdout)
    assert grid["lines"] == 93
    path = elsewhere / "grid.json"
    assert run.invoke(app, ["topology", "import", "germany", "-o", str(path)]).exit_code == 0
    document = json.loads(path.read_text())
    for i, line in enumerate(document["lines"]):
        line["reactance_ohm"] = line["length_km"] * (0.15 if i % 2 else 0.6)
    path.write_text(json.dumps(document))

    def top_10(*options):
        (found,) = json.loads(run.invoke(app, ["score", str(path), "--json", *options]).stdout)
        return {name: marks["top 10"][0] for name, marks in found["by_source"].items()}

    known, kept = top_10(), top_10("--by-length")
    assert known["electrical"] > 0.95
    assert 0.6 < kept["electrical"] < known["electrical"]
    assert {name: known[name] for name in ("linear", "distance")} == {
        name: kept[name] for name in ("linear", "distance")
    }
