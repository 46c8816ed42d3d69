"""What `reshard` keeps of the measurements before it deletes them."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.harness.brokers import embedded_broker
from gridstress.admin.reshard import drop_topics, save
from gridstress.kafka.topic_reader import read_topic
from gridstress.settings import Settings
from tests.gridstress.verify.broker import create, send
from tests.gridstress.verify.samples import frame, load
from topology.errors import DataError, UsageError

pytestmark = pytest.mark.integration

FRAMES = [frame("North", seq, [seq], [[load(1), load(1)]]) for seq in range(200)]


@contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """No file can become larger: written beyond it fails as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_measurements_that_find_no_room_are_an_error_and_leave_no_part(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    with embedded_broker() as broker:
        asyncio.run(create(broker.bootstrap, ["grid_measurements"]))
        send(broker.bootstrap, [("grid_measurements", 0, one) for one in FRAMES])
        settings = Settings(_env_file=None, broker=f"kafka://{broker.bootstrap}")
        with full_disk(10_000), pytest.raises(DataError, match="cannot be written: ") as found:
            asyncio.run(save(settings, path))
        assert "nothing has been deleted" in found.value.hint
        assert list(tmp_path.iterdir()) == []
        saved = asyncio.run(save(settings, path))
        assert saved.frames == len(path.read_bytes().splitlines()) == len(FRAMES)


def test_measurements_that_come_after_they_were_saved_are_not_deleted(tmp_path: Path) -> None:
    with embedded_broker() as broker:
        asyncio.run(create(broker.bootstrap, ["grid_measurements"]))
        send(broker.bootstrap, [("grid_measurements", 0, one) for one in FRAMES[:-1]])
        settings = Settings(_env_file=None, broker=f"kafka://{broker.bootstrap}")
        saved = asyncio.run(save(settings, tmp_path / "kept.jsonl"))
        send(broker.bootstrap, [("grid_measurements", 1, FRAMES[-1])])
        with pytest.raises(UsageError, match="measurements have come since"):
            asyncio.run(drop_topics(settings, saved))
        there = asyncio.run(read_topic(broker.bootstrap, "grid_measurements"))
        assert len(there) == len(FRAMES)
