"""The topics' description, against the topics that are made and the records that are written."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from gridstress.kafka import topics
from gridstress.settings import load_settings
from gridstress.topics_reference import document, page
from tests.fuzz import seeds
from tests.support.frames import measured, spread
from topology.codec import encode

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
WRITTEN = ("RiskWindow", "RiskAlert", "WorkerStatus", "ShardView", "RunRecord", "AuditStatus")
RECORDS = {
    "MeasurementFrame": encode(measured("north", [0, 1], {"a": [1.0, 2.0]})),
    "PropagatedFrame": encode(spread("north", [0], {"a": [0.5]})),
    # Behind a digit that says of which topic it is.
    **{name: tagged[1:] for name, tagged in zip(WRITTEN, seeds.results(), strict=False)},
}


def test_the_page_is_what_the_structs_make_of_it() -> None:
    written = (ROOT / "docs" / "asyncapi.yaml").read_text("utf-8")
    assert written == page(), "run: python -m gridstress.topics_reference > docs/asyncapi.yaml"


def test_it_has_every_topic_that_is_made() -> None:
    settings = load_settings(models="linear")
    made = {spec.name for spec in topics.topic_specs(settings)}
    named = {
        channel["address"].replace("{model}", "linear").replace("{group}", settings.group)
        for channel in DOCUMENT["channels"].values()
    }
    private = {topics.changelog(settings.group, "linear"), f"{settings.group}-__assignor-__leader"}
    assert named == made - private


def test_every_reference_leads_somewhere() -> None:
    for kind in ("schemas", "messages"):
        found = set(re.findall(rf"#/components/{kind}/(\w+)", repr(DOCUMENT)))
        assert found == set(DOCUMENT["components"][kind])


def payload(name: str) -> dict[str, object]:
    return {
        **DOCUMENT["components"]["messages"][name]["payload"],
        "components": DOCUMENT["components"],
    }


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_ours_fits_with_its_schema_and_without(name: str) -> None:
    record = json.loads(RECORDS[name])
    validator = jsonschema.Draft202012Validator(payload(name))
    validator.validate(record)
    record.pop("schema", None)
    validator.validate(record)
    lacking = "worker" if name == "WorkerStatus" else "run"
    del record[lacking]
    with pytest.raises(jsonschema.ValidationError, match=lacking):
        validator.validate(record)
