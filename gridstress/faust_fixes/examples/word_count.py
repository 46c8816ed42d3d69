"""Count words by the minute, each exactly once.

``python -m gridstress.faust_fixes.examples.word_count worker -l info`` reads the topic ``words``,
whose keys are the words. With `make_safe` no record is lost and they come in order, but after a
kill some come again. So each entry of the table keeps the offset of the last record in it beside
the count. Faust drops a window a day after it has ended, by the clock: later records begin it anew.
"""

from datetime import timedelta
from typing import Any

import faust

from gridstress.faust_fixes.recovery import make_safe, safe_settings

app = faust.App(
    "word-count",
    store="rocksdb://?driver=rocksdict",
    **safe_settings(session_timeout_s=10),
)
make_safe(app)

words = app.topic("words", key_type=str, value_serializer="raw")
counts = app.Table("counts", default=lambda: (-1, 0)).tumbling(60, expires=timedelta(days=1))


@app.agent(words)
async def count(stream: Any) -> None:
    """Add each word to its window; offset and count are one record of the changelog."""
    async for event in stream.events():
        last, number = counts[event.key].current()
        if event.message.offset > last:
            counts[event.key] = event.message.offset, number + 1


if __name__ == "__main__":
    app.main()
