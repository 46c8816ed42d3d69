"""The OpenAPI 3.1 document of the API, made of its endpoints and the structs of its answers."""

from functools import cache
from inspect import cleandoc
from typing import Any

import msgspec

from ui.schema.endpoints import (
    COMMANDED,
    ENDPOINTS,
    HEALTH,
    LIVE,
    MAX_SOURCE,
    POSTED,
    PREFIX,
    SINCE_END,
    SOURCE,
    SYNTHETIC,
    Endpoint,
    Parameter,
)
from ui.schema.replays import Replay, Wanted
from ui.schema.system import Refused, Taken

Json = dict[str, Any]

REFUSALS = {
    "400": "A parameter that cannot be used, or that this address does not have.",
    "401": "The token is missing or wrong.",
    "404": "An unknown node, model or run; `exists` names those there are.",
    "421": "A server on loopback was asked by a name that is not localhost, or a worker without "
    "views was asked; `views` names processes that have them.",
}


@cache
def document(version: str) -> Json:
    """Describe every address of a worker of this version; made once, not to be changed."""
    kinds: set[Any] = {endpoint.answer for endpoint in ENDPOINTS.values()} | {
        *(Refused, Taken, Replay, Wanted)
    }
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    for component in components.values():
        if text := component.get("description"):
            component["description"] = cleandoc(text)
    refs = dict(zip(ordered, schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gridstress worker",
            "version": version,
            "description": "Event times are ISO-8601 UTC text, wall-clock times epoch seconds.",
        },
        "paths": {
            **{PREFIX + path: {"get": _asked(e, refs)} for path, e in ENDPOINTS.items()},
            POSTED: {"post": _posted(refs)},
            COMMANDED: {"post": _commanded(refs)},
            LIVE: {"get": _live()},
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _asked(endpoint: Endpoint, refs: dict[Any, Json]) -> Json:
    parameters = [_parameter(parameter) for parameter in endpoint.parameters]
    if "{node_id}" in endpoint.path:
        node = {"name": "node_id", "in": "path", "required": True, "schema": {"type": "string"}}
        parameters = [node, *parameters]
    responses = {"200": _json(endpoint.text, refs[endpoint.answer])}
    if endpoint.tagged:
        responses["304"] = {"description": "The `ETag` in `If-None-Match` is that of the answer."}
    if endpoint.path == HEALTH:
        responses["503"] = _json("The worker is not well.", refs[endpoint.answer])
    left_out = {"404"} if not parameters else set[str]()
    responses |= _refusals(refs, left_out)
    return {"summary": endpoint.text, "parameters": parameters, "responses": responses}


def _posted(refs: dict[Any, Json]) -> Json:
    return {
        "summary": "Take measurement frames, a line of JSON each.",
        "parameters": [_parameter(SOURCE), _parameter(SYNTHETIC)],
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
        "responses": {
            "200": _json("The broker has all of them.", refs[Taken]),
            "403": _json("No token is set, so nothing is taken.", refs[Refused]),
            "413": _json("More than 4 MiB.", refs[Refused]),
            "503": _json("Not now; `Retry-After` says when to try again.", refs[Refused]),
            **_refusals(refs, {"404"}),
        },
    }


def _commanded(refs: dict[Any, Json]) -> Json:
    return {
        "summary": "Command a replay.",
        "parameters": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": refs[Wanted]}},
        },
        "responses": {
            "200": _json("How the replay is once it has followed the command.", refs[Replay]),
            "403": _json(
                "No token is set, and this request is not of this machine.", refs[Refused]
            ),
            "413": _json("More than 4 KiB.", refs[Refused]),
            "503": _json("Not now, or the replay does not answer.", refs[Refused]),
            **_refusals(refs, {"404"}),
        },
    }


def _live() -> Json:
    return {
        "summary": "Whether this worker is well.",
        "security": [],
        "responses": {
            "200": {"description": "It is."},
            "503": {"description": "It is not."},
        },
    }


def _refusals(refs: dict[Any, Json], left_out: set[str]) -> Json:
    kept = {code: text for code, text in REFUSALS.items() if code not in left_out}
    return {code: _json(text, refs[Refused]) for code, text in kept.items()}


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _parameter(parameter: Parameter) -> Json:
    schema: Json = {"type": parameter.kind}
    if parameter.most is not None:
        schema |= {"minimum": 1, "maximum": parameter.most, "default": parameter.default}
    elif parameter.kind == "number":
        schema |= {"minimum": 0, "exclusiveMaximum": SINCE_END}
    elif parameter is SOURCE:
        schema |= {"minLength": 1, "maxLength": MAX_SOURCE}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.text,
        "schema": schema,
    }
