"""A tiny Faust app whose table shows whether a record was lost, doubled or overtaken.

Run as ``python recovery_app.py <options as JSON> worker --web-port ...``. For every record, number
`n` of source partition `p`, it writes ``a<p>``, ``b<p>`` and ``c<p>`` in this order, each
``[n, how many different numbers it has seen]``. The record ``too large`` makes a table write that
the producer refuses. What recovery has restored is appended to
``recovered.jsonl`` in the data directory, before the first new record is worked on. It works on
each record for `work_s` seconds.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import faust

from gridstress.faust_fixes.recovery import make_safe, safe_settings
from gridstress.kafka.probe import is_embedded

PARTITIONS = 4
CHANGELOG = "{group}-seen-changelog"


def build(
    broker: str,
    datadir: str,
    *,
    faust_is: str = "safe",
    store: str,
    group: str,
    source: str,
    work_s: float = 0.0,
) -> faust.App:
    """The app with ``safe`` or ``stock`` Faust; settings are the same."""
    app = faust.App(
        group,
        broker=f"kafka://{broker}",
        datadir=datadir,
        store="memory://" if store == "memory" else "rocksdb://?driver=rocksdict",
        topic_partitions=PARTITIONS,
        web_bind="127.0.0.1",
        **safe_settings(session_timeout_s=4),
    )
    if faust_is == "safe":
        make_safe(app, ask_embedded=is_embedded)
    numbers = app.topic(source, key_type=bytes, value_type=bytes, value_serializer="raw")
    seen = app.Table("seen", partitions=PARTITIONS)

    @app.agent(numbers)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            partition = event.message.partition
            if event.value == b"too large":
                seen[f"a{partition}"] = "x" * 2_000_000
                continue
            number = int(event.value)
            if work_s:
                await asyncio.sleep(work_s)
            for dead_letter in "abc":
                key = f"{dead_letter}{partition}"
                last, total = seen.get(key) or (-1, 0)
                seen[key] = [number, total + 1] if number > last else [last, total]

    @app.on_rebalance_complete.connect
    async def note(*_: Any, **__: Any) -> None:
        changelog = CHANGELOG.format(group=group)
        mine = {tp.partition for tp in app.assignor.assigned_actives() if tp.topic == changelog}
        rows = {key: value for key, value in seen.items() if int(key[1:]) in mine}
        with (Path(datadir) / "recovered.jsonl").open("a") as file:
            file.write(json.dumps(rows) + "\n")

    return app


if __name__ == "__main__":
    options = json.loads(sys.argv.pop(1))
    build(**options).main()
