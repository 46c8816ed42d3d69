"""Whether an answer is as the API's description says, and has nothing beside."""

from typing import Any

import jsonschema


def check(
    document: dict[str, Any], path: str, answer: object, *, status: int = 200, method: str = "get"
) -> None:
    """Raise unless an answer fits; objects with named properties may have no others."""
    response = document["paths"][path][method]["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]
    whole = {**schema, "components": _closed(document["components"])}
    jsonschema.Draft202012Validator(whole).validate(answer)


def _closed(schema: object) -> object:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return closed | {name: _closed(item) for name, item in schema.items()}
