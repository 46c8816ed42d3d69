"""Rules, dashboard and Compose file ask only for what there is.

`tests/integration/test_metrics.py` holds `docs/metrics.md` against what a worker tells; here the
page stands for the worker.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from gridstress.kafka_connection import Cluster
from gridstress.settings import Settings

ROOT = Path(__file__).parents[3]
HOME = ROOT / "docs" / "observability"

OF_THE_TARGET = {"instance", "job", "le"}
"""Labels that Prometheus adds."""

OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Names that Prometheus or its client gives."""


def documented() -> dict[str, set[str]]:
    """By name, the labels of every metric of ours."""
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(gridstress_\w+)` \|([^|]*)\|(.*)\|$", page, re.MULTILINE)
    found = {}
    for name, labels, reported in rows:
        for suffix in ("_bucket", "_sum", "_count") if "histogram" in reported else ("",):
            found[name + suffix] = set(re.findall(r"`(\w+)`", labels))
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((HOME / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HOME / "grafana" / "gridstress.json").read_text("utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str, str]]:
    """Where a query stands, the query, and what is written beside its values."""
    for rule in rules():
        yield rule["alert"], rule["expr"], rule["annotations"]["summary"]
    for panel in panels():
        for target in panel["targets"]:
            # Grafana puts a pattern in the place of its variables.
            yield panel["title"], target["expr"], target["legendFormat"]


QUERIES = [pytest.param(query, beside, id=where) for where, query, beside in queries()]


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a query asks for, each with the labels it is chosen by."""
    for name, matchers in re.findall(r"\b((?:gridstress|process)_\w+|up)\b(?:\{([^}]*)\})?", query):
        yield name, set(re.findall(r"(\w+)\s*[=!]", matchers))


@pytest.mark.parametrize(("query", "beside"), QUERIES)
def test_a_query_is_one_that_prometheus_understands(query: str, beside: str) -> None:
    assert promql.parse(query)


@pytest.mark.parametrize(("query", "beside"), QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_there_are(query: str, beside: str) -> None:
    known, seen = documented(), set[str]()
    for name, chosen_by in selectors(query):
        assert name in known or name in OTHERS, name
        labels = known.get(name, set()) | OF_THE_TARGET
        assert chosen_by <= labels
        seen |= labels
    assert seen, "asks for nothing"
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        assert set(re.split(r",\s*", grouped)) <= seen
    used = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", beside))
    assert used <= seen | {"value"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_the_documentation_says_what_to_do_about_an_alert(rule: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert f"`{rule['alert']}`" in page
    assert rule["labels"]["severity"] in ("warning", "critical")


def test_every_metric_of_ours_can_be_seen_or_is_left_out_on_purpose() -> None:
    on_purpose = {
        "gridstress_worker_stalled",  # an alert
        "gridstress_batch_seconds_sum",
        "gridstress_batch_seconds_count",
        "gridstress_batch_records_bucket",
        "gridstress_api_request_seconds_sum",
        "gridstress_api_request_seconds_count",
    }
    asked = {
        name for panel in panels() for t in panel["targets"] for name, _ in selectors(t["expr"])
    }
    asked |= {name for one in dashboard()["templating"]["list"]
              for name, _ in selectors(one["query"]["query"])}  # fmt: skip
    assert set(documented()) - asked == on_purpose


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    found = dashboard()["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        at = panel["gridPos"]
        covers = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not covers & places, panel["title"]
        places |= covers


def test_the_dashboard_uses_the_data_source_that_is_provisioned() -> None:
    text = (HOME / "grafana" / "datasources.yml").read_text("utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    used = {panel["datasource"]["uid"] for panel in panels()}
    assert used == {source["uid"]}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return found


def test_compose_pins_every_image_and_publishes_on_loopback_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image, _, tag = service["image"].partition(":")
        assert image == "gridstress" or re.search(r"\d+\.\d+\.\d+$", tag), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        assert "healthcheck" in service or name == "replay"
        assert "container_name" not in service


def test_only_what_looks_on_has_a_profile(compose: dict[str, Any]) -> None:
    profiles = {name: one.get("profiles", []) for name, one in compose["services"].items()}
    assert {name: found for name, found in profiles.items() if found} == {
        "prometheus": ["observability"],
        "grafana": ["observability"],
        "kafka-ui": ["tools"],
    }


def test_compose_hands_on_a_token_from_the_environment(compose: dict[str, Any]) -> None:
    for name in ("worker", "ui", "replay"):
        given = compose["services"][name]["environment"]
        # Without a value: Compose takes that of its own environment, and leaves it out if unset.
        assert given["GRIDSTRESS_API_TOKEN"] is None


def test_settings_for_a_guarded_cluster_do_not_keep_containers_from_theirs(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = {"PROTOCOL": "SASL_SSL", "USERNAME": "me", "PASSWORD": "secret", "FILE": "/cert.pem"}
    for name in Settings.model_fields:
        if name.startswith("kafka_") and (value := guarded.get(name.upper().rpartition("_")[2])):
            monkeypatch.setenv(f"GRIDSTRESS_{name.upper()}", value)
    for name, value in compose["services"]["worker"]["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, value)
    assert Settings().kafka == Cluster("kafka:9092")


def test_compose_mounts_files_that_are_there(compose: dict[str, Any]) -> None:
    mounts = [m for service in compose["services"].values() for m in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.split(":")[0] not in compose["volumes"]]
    assert files
    assert len(files) < len(mounts)
    for mount in files:
        source, _, mode = mount.split(":")
        assert (ROOT / source).is_file()
        assert mode == "ro"


def test_prometheus_asks_the_workers_where_compose_has_them(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((HOME / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert compose["services"]["worker"]["environment"]["GRIDSTRESS_WEB_PORT"] == str(found["port"])
    assert [(HOME / name).is_file() for name in config["rule_files"]] == [True]
