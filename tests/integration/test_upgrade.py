"""A worker goes on with the tables of an older gridstress, and refuses those of a newer one."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from gridstress.faust_fixes.fencing import is_fence
from gridstress.kafka.topics import changelog
from gridstress.local import processes
from tables.schema import SCHEMA, schema_of
from tests.integration.harness import Stack, records, two_days, wait_for
from tests.support import commands
from tests.support.older_tables import in_schema
from topology.models import DEFAULT_MODELS

pytestmark = pytest.mark.integration

CHANGELOGS = [changelog("gridstress", model) for model in DEFAULT_MODELS]
SPAN = ["--start", "2025-01-09", "--until", "2025-01-10", "--speed", "max"]


@pytest.fixture
def stack(broker: str, tmp_path: Path) -> Iterator[Stack]:
    with two_days(broker, tmp_path) as running:
        processes.stop(running.workers[0].service)
        yield running


async def rewrite(stack: Stack, change: Callable[[bytes, bytes], bytes]) -> None:
    """Write the newest values of the changelogs again, changed; in the epoch they have."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap)
    await producer.start()
    try:
        for name in CHANGELOGS:
            newest = {}
            for record in await records(stack.bootstrap, name):
                if record.key and not is_fence(record.key):
                    newest[record.partition, record.key] = record
            for (partition, key), record in newest.items():
                if record.value is not None:
                    value, headers = change(key, record.value), list(record.headers)
                    await producer.send(name, value, key, partition, headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


async def test_the_previous_schema_is_carried_over_and_a_newer_one_refused(stack: Stack) -> None:
    older, before = SCHEMA - 1, stack.episodes("r")
    await rewrite(stack, partial(in_schema, older))
    stack.workers[0].restart()
    stack.verify("r")
    assert stack.episodes("r") == before
    assert stack.command("replay", "--run", "next", *SPAN).returncode == 0
    assert stack.verify("next")["ok"]
    written = [r.value for name in CHANGELOGS for r in await records(stack.bootstrap, name)]
    assert {older, SCHEMA} <= {schema_of(value) for value in written if value}

    processes.stop(stack.workers[0].service)
    await rewrite(stack, lambda _, value: bytes((SCHEMA + 1,)) + value[1:])
    worker = stack.workers[0]
    worker.service = commands.spawn(worker.spec, worker.log_dir)
    wait_for(lambda: not worker.service.alive, "the worker has ended by itself")
    reported = processes.error_line(Path(worker.service.log))
    assert f"the tables are of schema {SCHEMA + 1}" in reported
    assert "GRIDSTRESS_GROUP" in reported
