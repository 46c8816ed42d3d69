"""The API's description, against the server that it describes and the pages that explain it."""

import re
from pathlib import Path

import jsonschema
import pytest

from tests.fuzz.web import served
from tests.support.openapi import check
from tests.ui import literal_api
from ui.schema.endpoints import COMMANDED, ENDPOINTS, LIVE, POSTED, PREFIX, Endpoint
from ui.schema.openapi import document

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
DOCUMENT = document("1.2.3")


def test_it_has_every_address_of_the_server() -> None:
    pages, _ = served()
    described = set(DOCUMENT["paths"]) - {POSTED, COMMANDED}  # registered where they are taken
    assert described | {f"{PREFIX}/openapi.json"} == set(pages.handlers)
    assert {f"{PREFIX}{path}" for path in ENDPOINTS} | {LIVE, POSTED, COMMANDED} == set(
        DOCUMENT["paths"]
    )


def test_every_reference_leads_somewhere() -> None:
    found = re.findall(r"#/components/schemas/(\w+)", repr(DOCUMENT))
    assert set(found) == set(DOCUMENT["components"]["schemas"])
    jsonschema.Draft202012Validator.check_schema({"$defs": DOCUMENT["components"]["schemas"]})


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_page_explains_every_field_and_parameter(path: str) -> None:
    endpoint = ENDPOINTS[path]
    address = re.escape(f"{PREFIX}{path}".replace("{node_id}", "{id}"))
    section = re.search(rf"^### `GET {address}[`?].*?(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, path
    missing = [name for name in fields(endpoint) if f'"{name}"' not in section[0]]
    assert missing == []
    assert all(f"{name}=" in section[0].splitlines()[0] for name in endpoint.names)


def fields(endpoint: Endpoint) -> tuple[str, ...]:
    return endpoint.answer.__struct_fields__


def test_the_server_of_other_tests_answers_as_a_worker_does() -> None:
    found = literal_api.answers(models=("linear", "centrality", "electrical"))
    for key, answer in found.items():
        path = re.sub(r"^node/.*", "node/{node_id}", key)
        while f"/{path}" not in ENDPOINTS:
            path = path.rpartition("/")[0]
        check(DOCUMENT, f"{PREFIX}/{path}", answer)


def test_a_field_too_many_or_too_few_is_found() -> None:
    grid = dict(literal_api.GRID)
    check(DOCUMENT, f"{PREFIX}/grid", grid)
    with pytest.raises(jsonschema.ValidationError, match="more"):
        check(DOCUMENT, f"{PREFIX}/grid", {**grid, "more": 1})
    del grid["zones"], grid["nodes"]
    with pytest.raises(jsonschema.ValidationError, match="nodes"):
        check(DOCUMENT, f"{PREFIX}/grid", grid)
