"""What a worker tells Prometheus, over real HTTP, after two days of a real replay."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.integration.harness import Stack, two_days, wait_for
from tests.integration.samples import Samples, asked, of

pytestmark = pytest.mark.integration

HOURS = 48
NODES, ZONES, SHARDS = 57, 4, 4


@pytest.fixture(scope="module")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with two_days(broker, tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def samples(stack: Stack) -> Samples:
    url = stack.workers[0].url
    assert httpx.get(f"{url}/no/such/page").status_code == 404
    assert httpx.get(f"{url}/api/v1/node/kruckel").status_code == 200
    wait_for(lambda: not any(lags(asked(url)).values()), "the worker says that it has done all")
    return asked(url)


def lags(samples: Samples) -> Samples:
    return {key: n for key, n in samples.items() if key[0] == "gridstress_lag_records"}


def test_each_stage_counts_what_it_has_done(samples: Samples) -> None:
    frames = of(samples, "frames_total", "detection")
    assert frames >= 2 * ZONES  # some rows each, and the end of each zone
    assert of(samples, "frames_total", "propagation_linear") == frames
    assert of(samples, "frames_total", "risk_centrality") == SHARDS * frames
    assert of(samples, "node_measurements_total") == NODES * HOURS
    assert of(samples, "records_sent_total", "stress_events") == frames
    assert of(samples, "records_sent_total", "propagated_stress_linear") == SHARDS * frames


def test_batches_hold_all_frames_and_took_time(samples: Samples) -> None:
    for stage in ("detection", "propagation_centrality", "risk_linear"):
        frames = of(samples, "frames_total", stage)
        assert of(samples, "batch_records_sum", stage) == frames
        assert 0 < of(samples, "batch_seconds_sum", stage) < 60
        assert 1 <= of(samples, "batch_seconds_count", stage) <= frames


def test_alarms_are_counted_as_the_api_tells_them(stack: Stack, samples: Samples) -> None:
    for model in ("linear", "centrality"):
        reported = stack.workers[0].get("alerts", model=model, limit="5000")["alerts"]
        counted = sum(
            n for (name, labels), n in samples.items()
            if name == "gridstress_alarm_steps_total" and model in labels
        )  # fmt: skip
        assert counted == len(reported) > 0
        state = stack.workers[0].get("state", model=model)["kpis"]["active_alarms"]
        for level in ("WARNING", "HIGH", "CRITICAL"):
            assert of(samples, "open_alarms", model, level) == state[level]


def test_a_worker_that_is_well_and_has_done_all_says_so(samples: Samples) -> None:
    assert of(samples, "worker_ready", "all") == 1
    assert of(samples, "worker_stalled") == 0
    assert of(samples, "recoveries_total") >= 1
    assert len(lags(samples)) >= SHARDS
    assert set(lags(samples).values()) == {0}
    assert of(samples, "assigned_partitions", "grid_measurements") == SHARDS
    assert of(samples, "table_keys", "risk_linear", "0") >= 1
    end_s = datetime(2025, 1, 9, tzinfo=UTC).timestamp()
    assert of(samples, "event_time_seconds", "linear") == end_s - 3600
    assert of(samples, "watermark_seconds", "linear") == end_s


def test_requests_are_counted_by_address_and_invented_ones_together(samples: Samples) -> None:
    assert of(samples, "api_requests_total", "/api/v1/node/{node_id}", "200") == 1
    assert of(samples, "api_requests_total", "unknown", "404") == 1
    assert of(samples, "api_request_seconds_count", "/api/v1/node/{node_id}") == 1


def test_every_name_is_documented_and_nothing_else_is(samples: Samples) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(gridstress_\w+)`", page, re.MULTILINE))
    reported = {
        re.sub("_(sum|count|bucket|created)$", "", name)
        for name, _ in samples
        if name.startswith("gridstress_")
    }
    assert reported == documented
