"""The topics as an AsyncAPI 3 document, made of the structs that are written to them.

``docs/asyncapi.yaml`` is the output of ``python -m gridstress.topics_reference``, which needs
PyYAML. ``docs/messages.md`` explains every field.
"""

from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

import msgspec

from gridstress import __version__
from gridstress.group_settings.rule import SettingsRecord
from gridstress.kafka import topics
from tables.shard_view import ShardView
from topology import messages, run_messages
from topology.codec import CONTENT_TYPE
from topology.replay_messages import ReplayCommand, ReplayStatus
from ui.schema.audit import AuditStatus
from ui.schema.system import WorkerStatus

Json = dict[str, Any]

PARAMETERS: dict[str, Json] = {
    "model": {"description": "An enabled model.", "examples": ["linear", "centrality"]},
    "group": {"description": "The workers' consumer group.", "examples": ["gridstress"]},
}
"""The varying parts of topics' names."""


@dataclass(frozen=True)
class Channel:
    """A topic: its name with ``{model}`` or ``{group}``, its key, the record's struct.

    ``kind`` is None for bytes as they came. ``action`` is what the workers do: they receive what
    others write.
    """

    name: str
    text: str
    key: str
    kind: Any
    action: str = "send"
    headers: dict[str, str] = field(default_factory=dict)


_PLACE = {
    "topic": "Where the record came from.",
    "partition": "Its partition, decimal.",
    "offset": "Its offset, decimal.",
    "stage": "The stage that could not use it.",
    "reason": "Why, in a word.",
    "detail": "Why, in a sentence.",
    "at": "When, by the worker's clock, ISO-8601.",
    "key": "The record's key.",
}

_FORMAT = {
    CONTENT_TYPE: "application/msgpack, in which columns of numbers are the bytes of little-endian "
    "doubles, row by row; or application/json."
}

CHANNELS = (
    Channel(
        topics.MEASUREMENTS,
        "Loads, as they are measured or replayed.",
        "zone",
        messages.MeasurementFrame,
        "receive",
    ),
    Channel(
        topics.STRESS,
        "Stress of the nodes above the threshold.",
        "zone",
        messages.StressFrame,
        headers=_FORMAT
        | {"measured-sent-ms": "Timestamp of the record with the measurements, ms."},
    ),
    Channel(
        topics.propagated("{model}"),
        "What one zone's stressed nodes add to the nodes of a shard.",
        "shard, decimal",
        messages.PropagatedFrame,
        headers=_FORMAT,
    ),
    Channel(
        topics.windows("{model}"),
        "Final windows.",
        "shard, decimal",
        messages.RiskWindow,
        headers=_FORMAT,
    ),
    Channel(topics.alerts("{model}"), "Steps of alarm episodes.", "node id", messages.RiskAlert),
    Channel(
        topics.RUNS, "What senders say of their runs; compacted.", "run", run_messages.RunRecord,
        "receive",
    ),
    Channel(
        topics.REPLAY_CONTROL, "Commands to replays; one partition.", "replay", ReplayCommand,
    ),
    Channel(
        topics.REPLAY_STATUS, "How each replay is; one partition, compacted.", "replay",
        ReplayStatus, "receive",
    ),
    Channel(
        topics.DEAD_LETTERS,
        "Records that could not be used, byte for byte.",
        "name of the topic it came from",
        None,
        headers=_PLACE,
    ),
    Channel(
        topics.AUDIT, "What the live auditor says of a run; compacted.", "run", AuditStatus,
        "receive",
    ),
    Channel(
        topics.VIEW, "State for the web views; private to the workers.",
        "[model, run, shard] as JSON", ShardView,
        headers={"view-epoch": "The changelog's epoch in which the publisher owns the shard."},
    ),
    Channel(topics.STATUS, "How each worker is; private to the workers.", "worker", WorkerStatus),
    Channel(
        topics.settings_log("{group}"), "What decides the group's results; one partition.",
        "random", SettingsRecord,
    ),
)  # fmt: skip
"""The topics, but for the tables' changelogs, which are the workers' own."""


def document() -> Json:
    """Describe the topics and their records; the workers are the application."""
    kinds = [channel.kind for channel in CHANNELS if channel.kind is not None]
    schemas, components = msgspec.json.schema_components(
        kinds, schema_hook=lambda _: {}, ref_template="#/components/schemas/{name}"
    )
    for schema in components.values():
        _let_schema_be_left_out(schema)
        schema.pop("additionalProperties", None)  # fields that are not known are ignored
        # Python 3.13 takes the indentation out of docstrings, earlier ones leave it in.
        if text := schema.get("description"):
            schema["description"] = cleandoc(text)
    refs = dict(zip(kinds, schemas, strict=True))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "gridstress topics",
            "version": __version__,
            "description": "Keys are UTF-8 text. docs/messages.md explains every field.",
        },
        "defaultContentType": "application/json",
        "channels": {_id(c): _channel(c) for c in CHANNELS},
        "operations": {
            f"{c.action}-{_id(c)}": {
                "action": c.action,
                "channel": {"$ref": f"#/channels/{_id(c)}"},
            }
            for c in CHANNELS
        },
        "components": {
            "messages": {_title(c): _message(c, refs) for c in CHANNELS},
            "schemas": components,
        },
    }


def _let_schema_be_left_out(schema: Json) -> None:
    # A record that does not say of which schema it is, is of schema 1.
    if "schema" in schema.get("required", ()):
        schema["required"].remove("schema")


def _id(channel: Channel) -> str:
    return channel.name.replace("{", "").replace("}", "")


def _title(channel: Channel) -> str:
    return "DeadLetter" if channel.kind is None else str(channel.kind.__name__)


def _channel(channel: Channel) -> Json:
    title = _title(channel)
    varying = {
        name: meaning for name, meaning in PARAMETERS.items() if f"{{{name}}}" in channel.name
    }
    return {
        "address": channel.name,
        "description": channel.text,
        **({"parameters": varying} if varying else {}),
        "messages": {title: {"$ref": f"#/components/messages/{title}"}},
    }


def _message(channel: Channel, refs: dict[Any, Json]) -> Json:
    headers = {
        name: {"type": "string", "description": text} for name, text in channel.headers.items()
    }
    raw = {"contentType": "application/octet-stream", "payload": {"type": ["string", "null"]}}
    return {
        **(raw if channel.kind is None else {"payload": refs[channel.kind]}),
        **({"contentType": "application/msgpack"} if CONTENT_TYPE in channel.headers else {}),
        **({"headers": {"type": "object", "properties": headers}} if headers else {}),
        "bindings": {"kafka": {"key": {"type": "string", "description": channel.key}}},
    }


def page() -> str:
    """``docs/asyncapi.yaml``."""
    # By way of JSON, or equal parts would be written once and then referred to.
    copied = msgspec.json.decode(msgspec.json.encode(document()))
    return msgspec.yaml.encode(copied).decode()


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
