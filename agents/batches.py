"""Mini-batches: a stage takes what lies ready, one record when idle, many when behind.

What a batch shares is what costs most: the wait for the broker, and the writes to the table.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

MAX_RECORDS = 256
MAX_BYTES = 4 << 20
"""A batch ends with the record that reaches this many bytes; bounds memory and latency."""

LINGER_S = 0.002
"""How long a stage that has a single record waits for more, s. What is sent at once comes in two
fetches: the broker answers with the first record that is there, and then with the rest."""


def is_wanted(event: Any) -> bool:
    """Whether a record is still this worker's to work on, and no rebalance or stop waits for it.

    What is not wanted may be left undone: it is not acked, so it comes again where it belongs.
    """
    app = event.app
    return bool(
        app.flow_control.is_active() and event.message.generation_id == app.consumer_generation_id
    )


async def batches(stream: Any) -> AsyncIterator[list[Any]]:
    """Yield a stream's events in order, each time all that lie ready; nothing is acked.

    Faust's own ``take`` loses the current event, on which it depends whether a rebalance waits for
    the stage; here the first event of a batch stays the current one until the batch is done.
    """
    async for event in stream.noack().events():
        if not stream.channel.queue.qsize():
            await asyncio.sleep(LINGER_S)
        yield [event, *_ready(stream, len(event.message.value or b""))]


def _ready(stream: Any, size: int) -> list[Any]:
    """What Faust's iterator would hand out next; nothing awaits, so no rebalance comes between."""
    app, queue = stream.app, stream.channel.queue
    ready: list[Any] = []
    while size < MAX_BYTES and len(ready) < MAX_RECORDS - 1 and queue.qsize():
        if not app.flow_control.is_active():
            break  # a rebalance has begun: the queue will be emptied, and the records come again
        event = queue.get_nowait()
        message = event.message
        if message.generation_id != app.consumer_generation_id:
            continue
        if not message.tracked:
            message.tracked = True
            app.consumer.track_message(message)
        size += len(message.value or b"")
        ready.append(event)
    return ready
