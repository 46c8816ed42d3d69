"""The configuration of each kind of topic: retention, compaction, durability.

Set when a topic is made, on purpose and in full: a broker's own defaults expire records after a
week and, with three copies, acknowledge what one copy has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gridstress.settings import Settings

Config = dict[str, str]

DAY_MS = 86_400_000
FOR_EVER = "-1"

BROKER_TIME: Config = {
    # A record has the time at which it was appended, by the broker's clock. Then no worker's wrong
    # clock makes a record expire early, cuts a compaction lag short, or has a record refused
    # (Kafka 4 takes none from more than an hour ahead).
    "message.timestamp.type": "LogAppendTime"
}
SENDER_TIME: Config = {
    # Zones are merged by the time at which each row was sent, which a batch's one time is not.
    "message.timestamp.type": "CreateTime"
}

_COMPACTED: Config = {
    "cleanup.policy": "compact",
    # How long a tombstone is kept once compacted. A reader that has met the value before must
    # still meet the tombstone: longer than any recovery or view consumer is at reading.
    "delete.retention.ms": str(DAY_MS),
    # A segment that is still written to is never compacted, and by default has 1 GB and a week:
    # every start would read all of it.
    "segment.bytes": str(32 << 20),
    "segment.ms": "3600000",
    **BROKER_TIME,
}


def in_sync(copies: int) -> Config:
    """How many of a topic's copies must have a record before it is acknowledged (acks=all).

    With two copies, 2 would stop all writes while one broker is away; with one, for good.
    """
    return {"min.insync.replicas": "2" if copies >= 3 else "1"}


def durable(settings: Settings) -> Config:
    """What every topic has: what the broker has acknowledged survives the loss of one broker."""
    return {
        **in_sync(settings.replication),
        # A copy that lags must not become the leader: what it lacks would be gone.
        "unclean.leader.election.enable": "false",
    }


def kept(settings: Settings, days: float) -> Config:
    """Settings of a topic whose records expire after so many days, 0 for never."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(days * DAY_MS)) if days else FOR_EVER,
        # Age alone decides: a limit by size would delete unread records in a burst.
        "retention.bytes": FOR_EVER,
        **durable(settings),
    }


def compacted(settings: Settings) -> Config:
    """Settings of a topic that keeps the last record of each key."""
    return {**_COMPACTED, **durable(settings)}


def last_day(settings: Settings) -> Config:
    """Settings of a topic that keeps the last record of each key, if it is of the last day."""
    policy = {"cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS)}
    return {**compacted(settings), **policy}


def changelog_config(settings: Settings) -> Config:
    """Settings of a table's changelog."""
    # A record that does not count (gridstress/faust_fixes/fencing.py) must not displace one that
    # does, before the next take-over has seen it; a worker that was thrown out causes one when it
    # comes back.
    return {**compacted(settings), "min.compaction.lag.ms": "3600000"}


_AT_LEAST = {
    "retention.ms",
    "retention.bytes",
    "delete.retention.ms",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "max.message.bytes",
}


@dataclass(frozen=True, order=True)
class Difference:
    """A setting of a topic that is not what it should be."""

    topic: str
    key: str
    has: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.topic} has {self.key}={self.has}, not {self.wanted}"

    @property
    def loses_data(self) -> bool:
        """Whether records can be lost or refused by it; else it costs time or space."""
        if self.key in _AT_LEAST:
            return _size(self.has) < _size(self.wanted)
        if self.key == "cleanup.policy":
            return not set(self.has.split(",")) <= set(self.wanted.split(","))
        return self.key == "unclean.leader.election.enable"


def differences(topic: str, wanted: Mapping[str, str], has: Mapping[str, str]) -> list[Difference]:
    """What a topic has otherwise than wanted; a setting that the broker does not know is none."""
    return [
        Difference(topic, key, has[key], value)
        for key, value in wanted.items()
        if key in has and has[key] != value
    ]


def _size(value: str) -> float:
    return float("inf") if value == FOR_EVER else float(value)
