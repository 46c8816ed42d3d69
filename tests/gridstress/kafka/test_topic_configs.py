"""How topics are kept, by the settings; and which differences lose records."""

import pytest

from gridstress.kafka.topic_configs import Difference, differences
from gridstress.kafka.topics import (
    AUDIT,
    DEAD_LETTERS,
    MEASUREMENTS,
    REPLAY_STATUS,
    RUNS,
    STATUS,
    VIEW,
    settings_log,
    topic_specs,
)
from gridstress.settings import Settings, load_settings

DAY_MS = 86_400_000


def configs(settings: Settings) -> dict[str, dict[str, str]]:
    return {spec.name: dict(spec.config) for spec in topic_specs(settings)}


@pytest.mark.parametrize(("replication", "wanted"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_with_three_copies_two_must_have_a_record(replication: int, wanted: str) -> None:
    found = configs(load_settings(replication=replication))
    assert {config["min.insync.replicas"] for config in found.values()} == {wanted}
    assert {config["unclean.leader.election.enable"] for config in found.values()} == {"false"}


def test_every_topic_is_either_kept_for_its_days_or_compacted() -> None:
    settings = load_settings(retention_days=2, retention_dead_letters_days=0.5)
    found = configs(settings)
    leader = found.pop(f"{settings.group}-__assignor-__leader")  # nothing is ever written to it
    assert "cleanup.policy" not in leader
    kept = {
        name: (config["retention.ms"], config["retention.bytes"])
        for name, config in found.items()
        if config["cleanup.policy"] == "delete"
    }
    assert kept.pop(DEAD_LETTERS) == (str(DAY_MS // 2), "-1")
    assert kept.pop(settings_log(settings.group)) == ("-1", "-1")
    assert set(kept.values()) == {(str(2 * DAY_MS), "-1")}
    for name in (STATUS, AUDIT, REPLAY_STATUS):
        status = found.pop(name)
        assert (status["cleanup.policy"], status["retention.ms"]) == ("compact,delete", str(DAY_MS))
    compacted = {name for name in found if found[name]["cleanup.policy"] == "compact"}
    assert compacted == found.keys() - kept.keys() - {DEAD_LETTERS, settings_log(settings.group)}
    changelogs = {name for name in found if name.endswith("-changelog")}
    assert compacted == {VIEW, RUNS} | changelogs
    assert all(found[name]["min.compaction.lag.ms"] == "3600000" for name in changelogs)


def test_no_days_are_for_ever() -> None:
    found = configs(load_settings(retention_days=0, retention_dead_letters_days=0))
    assert found[MEASUREMENTS]["retention.ms"] == found[DEAD_LETTERS]["retention.ms"] == "-1"


def test_only_measurements_keep_their_senders_time() -> None:
    found = configs(load_settings())
    times = {name: config.get("message.timestamp.type") for name, config in found.items()}
    assert times.pop(MEASUREMENTS) == "CreateTime"
    times.pop("gridstress-__assignor-__leader")
    assert set(times.values()) == {"LogAppendTime"}


@pytest.mark.parametrize(
    ("key", "has", "wanted", "loses"),
    [
        ("retention.ms", "604800000", "2592000000", True),
        ("retention.ms", "604800000", "-1", True),
        ("retention.ms", "-1", "604800000", False),
        ("retention.bytes", "1000", "-1", True),
        ("cleanup.policy", "delete", "compact", True),
        ("cleanup.policy", "compact,delete", "compact", True),
        ("cleanup.policy", "compact", "compact,delete", False),
        ("min.insync.replicas", "1", "2", True),
        ("min.insync.replicas", "2", "1", False),
        ("unclean.leader.election.enable", "true", "false", True),
        ("segment.bytes", "1073741824", "33554432", False),
        ("message.timestamp.type", "CreateTime", "LogAppendTime", False),
        ("min.compaction.lag.ms", "0", "3600000", True),
        ("max.message.bytes", "1048588", "2097152", True),
    ],
)
def test_what_loses_data_is_kept_apart(key: str, has: str, wanted: str, loses: bool) -> None:
    assert Difference("t", key, has, wanted).loses_data is loses


def test_what_the_broker_does_not_know_is_no_difference() -> None:
    wanted = {"a": "1", "b": "2", "c": "3"}
    assert differences("t", wanted, {"a": "1", "b": "9"}) == [Difference("t", "b", "9", "2")]
