"""``gridstress show``: the last records of a topic, as JSON."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridstress.logs import quiet_client

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from gridstress.kafka.topic_reader import Follower


def show(
    topic: Annotated[str, typer.Argument(help="A topic, such as `risk_windows_linear`.")],
    last: Annotated[int, typer.Option(min=0, help="How many of the last records.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
) -> None:
    """Print records of a topic, one a line, as JSON: also those written as MessagePack."""
    import asyncio

    from gridstress.kafka.topic_reader import followed
    from gridstress.settings import load_settings

    quiet_client()

    async def main() -> None:
        async with followed(load_settings().kafka, [topic], tail={topic: last}) as reader:
            for record in await _last(reader, last):
                typer.echo(_line(record))
            while follow:
                for record in await reader.read(reader.begins):
                    typer.echo(_line(record))

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _last(reader: "Follower", count: int) -> "list[ConsumerRecord]":
    """The records written last, the oldest of them first."""
    found = [record async for record in reader.to_end()]
    found.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    return found[max(0, len(found) - count) :]


def _line(record: "ConsumerRecord") -> str:
    import json
    from base64 import b64encode

    from gridstress.faust_fixes.fetched_batches import Undecodable
    from gridstress.faust_fixes.headers import as_text, known_headers
    from gridstress.kafka.readable import as_json

    line: dict[str, Any] = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": None if record.key is None else as_text(record.key),
        "headers": {name: as_text(value) for name, value in known_headers(record.headers).items()},
    }
    value = record.value
    if isinstance(value, Undecodable):
        line["undecodable"] = value.cause
    elif value is None:
        line["value"] = None
    elif (found := as_json(record.topic, value)) is not None:
        line["value"] = json.loads(found)
    else:
        line["base64"] = b64encode(value).decode()
    return json.dumps(line, separators=(",", ":"))  # escapes what would control a terminal
