"""A stretch of a run as one page: its figures are those that the verifier computes."""

import json
import re
import zlib
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from typer.testing import CliRunner, Result

from gridstress.archive import storm as storm_module
from gridstress.archive.reading import ArchivedRun, archived_folder
from gridstress.archive.storm import SCALE, Storm
from gridstress.cli import app
from gridstress.kafka.topics import windows
from gridstress.settings import Settings
from gridstress.verify.recompute import Recomputed, recompute
from tests.gridstress.archive.test_past import frames_of
from tests.support.archives import archive_in, record_of, topics_of
from tests.support.frames import at, hour_s
from topology.codec import decode
from topology.errors import DataError, UsageError
from topology.grid import Grid
from topology.messages import RiskAlert, RiskWindow

HOURS = 60
BEGIN, END = 20, 44


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(partitions=2, size_s=3 * 3600, archive_dir=tmp_path / "archive")


@pytest.fixture
def expected(triangle: Grid, settings: Settings) -> Recomputed:
    """What the verifier makes of the run that is archived."""
    frames = frames_of(triangle, HOURS)
    record = record_of(triangle, settings, source="<b>loads</b>")
    archive_in(
        settings.archive_dir, topics_of(frames, triangle, settings, record), settings.model_names
    )
    return recompute(frames, triangle, settings)


def storm(grid: Grid, settings: Settings, begin: float = BEGIN, end: float = END) -> Storm:
    run = ArchivedRun(archived_folder(settings.archive_dir, "r"))
    return Storm(run, grid, settings, hour_s(begin), hour_s(end))


def content_of(page: bytes) -> Any:
    (packed,) = re.findall(r'id="data">([A-Za-z0-9+/=]+)<', page.decode())
    return json.loads(zlib.decompress(b64decode(packed)))


def test_its_figures_are_those_that_the_verifier_computes(
    triangle: Grid, settings: Settings, expected: Recomputed
) -> None:
    found = content_of(storm(triangle, settings).page())
    assert (found["first"], found["count"]) == (hour_s(BEGIN), END - BEGIN + 1)
    ends = [int(end_s) for end_s in expected.ends_s]
    for model in found["models"]:
        result = expected.models[model["name"]]
        for place, (nodes, risks) in enumerate(model["windows"]):
            row = result.risk[ends.index(hour_s(BEGIN + place))]
            shown = dict(zip(nodes, risks, strict=True))
            assert [shown.get(i, 0) / SCALE for i in range(3)] == pytest.approx(row, abs=1 / SCALE)
        alerts = [a for a in expected.alerts(model["name"]) if a.window_end <= at(END)]
        raised = {a.episode_id for a in alerts if a.state == "RAISED"}
        over = {a.episode_id for a in alerts if a.state == "CLEARED" and a.window_end < at(BEGIN)}
        assert len(model["episodes"]) == len(raised - over) > 0
        steps = [tuple(step) for episode in model["episodes"] for step in episode["steps"]]
        assert sorted(steps) == sorted(
            (int(a.window_end.timestamp()), "" if a.state == "CLEARED" else a.level)
            for a in alerts
            if a.episode_id not in over
        )


def test_an_episodes_peak_is_that_of_its_windows_also_while_it_is_open(
    triangle: Grid, settings: Settings, expected: Recomputed
) -> None:
    found = content_of(storm(triangle, settings).page())
    ends, compared = [int(end_s) for end_s in expected.ends_s], 0
    for model in found["models"]:
        risk = expected.models[model["name"]].risk
        for episode in model["episodes"]:
            (raised, _), (last, level) = episode["steps"][0], episode["steps"][-1]
            until = hour_s(END) if level else last - 3600
            if raised >= hour_s(BEGIN):
                rows = risk[ends.index(raised) : ends.index(until) + 1, episode["node"]]
                assert episode["peak"] / SCALE == pytest.approx(rows.max(), abs=1 / SCALE)
                compared += 1
    assert compared > 5


def other_archive(
    grid: Grid, settings: Settings, left_out: Callable[[ConsumerRecord], bool]
) -> Settings:
    """Settings with an archive of the same run that lacks some records."""
    other = settings.model_copy(update={"archive_dir": settings.archive_dir.with_name("other")})
    records = topics_of(frames_of(grid, HOURS), grid, settings, record_of(grid, settings))
    kept = [record for record in records if not left_out(record)]
    assert len(kept) < len(records)
    archive_in(other.archive_dir, kept, other.model_names)
    return other


def test_a_window_that_one_shard_lacks_is_none(triangle: Grid, settings: Settings) -> None:
    def last_of_a_shard(record: ConsumerRecord) -> bool:
        of_it = record.topic == windows("centrality") and record.partition == 0
        return of_it and decode(record.value, RiskWindow).window_end == at(END)

    other = other_archive(triangle, settings, last_of_a_shard)
    linear, centrality = content_of(storm(triangle, other).page())["models"]
    assert None not in linear["windows"]
    assert centrality["windows"][-1] is None
    assert None not in centrality["windows"][:-1]


def test_an_alarm_of_which_only_the_end_is_known_is_left_out(
    triangle: Grid, settings: Settings
) -> None:
    def early_alert(record: ConsumerRecord) -> bool:
        is_alert = record.topic.startswith("risk_alerts")
        return is_alert and decode(record.value, RiskAlert).window_end <= at(34)

    other = other_archive(triangle, settings, early_alert)
    for model in content_of(storm(triangle, other).page())["models"]:
        assert all(any(level for _, level in e["steps"]) for e in model["episodes"])


def test_loads_are_those_of_the_last_hour_of_each_window(
    triangle: Grid, settings: Settings, expected: Recomputed
) -> None:
    loads = {
        (node, int(time_s)): mw
        for frame in frames_of(triangle, HOURS)
        if not frame.final
        for time_s, row in zip(frame.times_s, frame.load_mw, strict=True)
        for node, mw in zip(frame.nodes, row, strict=True)
    }
    for place, row in enumerate(content_of(storm(triangle, settings).page())["loads"]):
        hour = hour_s(BEGIN + place) - 3600
        wanted = [loads[node, hour] for node in triangle.ids]
        assert [tenths / 10 for tenths in row] == pytest.approx(wanted, abs=0.051)


def test_nothing_of_the_data_is_markup_and_the_page_asks_nobody(
    triangle: Grid, settings: Settings, expected: Recomputed
) -> None:
    page = storm(triangle, settings).page().decode()
    assert "<b>loads" not in page
    assert "default-src 'none'" in page
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_what_cannot_be_shown_is_refused(
    triangle: Grid, settings: Settings, expected: Recomputed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--from must be before --to"):
        storm(triangle, settings, END, BEGIN).page()
    with pytest.raises(DataError, match="has no final window from 2019-03-14"):
        storm(triangle, settings, 1728, 1800).page()
    other = Grid("other", triangle.nodes[:2], ())
    with pytest.raises(DataError, match="is of another grid"):
        storm(other, settings).page()
    with pytest.raises(DataError, match="worked on with other settings"):
        storm(triangle, settings.model_copy(update={"level_high": 0.75})).page()
    monkeypatch.setattr(storm_module, "MAX_BYTES", 1_000)
    with pytest.raises(UsageError, match="bytes; 1,000 are allowed"):
        storm(triangle, settings).page()


def test_the_command_says_why_it_writes_nothing(
    triangle: Grid,
    settings: Settings,
    expected: Recomputed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GRIDSTRESS_ARCHIVE_DIR", str(settings.archive_dir))
    words = ["--from", "2019-01-01T20:00Z", "--to", "2019-01-02T20:00Z", "--html"]
    for run, says in (("r", "is of another grid"), ("other", "no run 'other'")):
        found = export(run, *words, str(tmp_path / "storm.html"))
        assert isinstance(found.exception, DataError)
        assert says in str(found.exception)
    assert not (tmp_path / "storm.html").exists()


def export(*words: str) -> Result:
    return CliRunner().invoke(app, ["export", *words])


def test_the_demo_is_of_this_version_of_the_page() -> None:
    root = Path(storm_module.__file__).parents[2]
    demo = (root / "docs" / "demo" / "winter-week.html").read_text("utf-8")
    template = Path(storm_module.__file__).with_name("storm.html").read_text("utf-8")
    data = re.search(r'id="data">([A-Za-z0-9+/=]+)<', demo)
    assert data
    assert demo.replace(data[1], "{{ data }}") == template, "run: make demo"
