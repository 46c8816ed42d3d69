"""The fetch buffer: records fetched and not yet delivered, merged across partitions by time.

A fetch takes bytes, so behind a backlog a partition with small records runs ahead of the others, by
more and more, and windows over all of them stay open for long. So the partitions of a topic are
merged by the time at which their records were sent, and one that is ahead waits for those that
still have records in the log (Kafka Streams: KIP-353, KIP-695).
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from gridstress.faust_fixes.headers import as_number, known_headers

HOLD_S = 1.0
"""How long the other partitions of a topic wait for one that has records and does not give them,
s: its leader may be away."""

Queue = deque[tuple[int, Any]]
"""Records of a partition in the order of its log, each with the time it is merged by."""


def merge_time_ms(record: Any, header: str) -> int:
    """The time by which a client's record is merged: its own, or that of its header."""
    place = as_number(known_headers(record.headers).get(header, b"")) if header else None
    return place if place is not None else int(record.timestamp or 0)


@dataclass
class FetchBuffer:
    """Takes what is fetched and gives what is next: the topics in turn.

    Parameters
    ----------
    merged
        Topics whose partitions are merged by time. Those of other topics take turns.
    time_header
        Name of the header with that time, ms; the record's own where there is none.
    """

    merged: Collection[str] = ()
    time_header: str = ""
    _topics: dict[str, dict[TP, Queue]] = field(default_factory=dict)
    _held_since: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether any records are buffered."""
        return any(self._topics.values())

    def holds(self, tp: TP) -> bool:
        """Whether records of this partition are buffered."""
        return tp in self._topics.get(tp.topic, ())

    def count(self, tp: TP) -> int:
        """How many records of this partition are buffered."""
        return len(self._topics.get(tp.topic, {}).get(tp, ()))

    def add(self, records: Mapping[TP, Sequence[Any]]) -> None:
        """Take records of the client, each partition's in the order of its log."""
        for tp, found in records.items():
            if found:
                queue = self._topics.setdefault(tp.topic, {}).setdefault(tp, deque())
                queue.extend((merge_time_ms(record, self.time_header), record) for record in found)

    def forget(self, tps: Collection[TP]) -> None:
        """Drop the buffered records of these partitions."""
        for tp in tps:
            self._topics.get(tp.topic, {}).pop(tp, None)

    def clear(self) -> None:
        """Drop all buffered records."""
        self._topics.clear()
        self._held_since.clear()

    def next(
        self,
        flowing: Collection[TP],
        full: Collection[TP],
        is_behind: Callable[[TP], bool],
        now_s: float,
    ) -> tuple[TP, Any] | None:
        """Give the next record, or None if none may be delivered now.

        Parameters
        ----------
        flowing
            Partitions whose records may be delivered.
        full
            Partitions whose stream has enough for now; of their topics nothing is delivered.
        is_behind
            Whether a partition's log has records that have not been fetched.
        now_s
            Any clock that only grows.
        """
        blocked = {tp.topic for tp in full}
        for topic in [topic for topic in self._topics if topic not in blocked]:
            queues = self._topics[topic]
            ready = [tp for tp in queues if tp in flowing]
            if not ready or self._waits(topic, flowing, is_behind, now_s):
                continue
            tp = ready[0]
            if self._merges(topic):
                tp = min(ready, key=lambda one: (queues[one][0][0], one))
            # What has had its turn goes to the end of the line.
            queue = queues.pop(tp)
            self._topics[topic] = self._topics.pop(topic)
            _, record = queue.popleft()
            if queue:
                queues[tp] = queue
            return tp, record
        return None

    def _merges(self, topic: str) -> bool:
        return topic in self.merged

    def _waits(
        self, topic: str, flowing: Collection[TP], is_behind: Callable[[TP], bool], now_s: float
    ) -> bool:
        """Whether a partition of the topic has nothing buffered, but should have soon."""
        queues = self._topics[topic]
        if self._merges(topic) and any(
            tp.topic == topic and tp not in queues and is_behind(tp) for tp in flowing
        ):
            return now_s - self._held_since.setdefault(topic, now_s) < HOLD_S
        self._held_since.pop(topic, None)
        return False
