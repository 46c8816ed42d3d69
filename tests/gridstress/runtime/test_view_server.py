"""What keeps a view server right, on a real (embedded) broker."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from bench.harness.brokers import embedded_broker
from gridstress.group_settings.rule import Membership, Mine
from gridstress.group_settings.settings_log import append, join, read_log
from gridstress.kafka import topics
from gridstress.kafka.topic_reader import read_topic
from gridstress.kafka.topics import STATUS, VIEW, ensure_topics, missing_topics
from gridstress.runtime.observers import VIEWS, ViewObserver
from gridstress.runtime.stall_rule import Watch
from gridstress.runtime.view_server import enter_group
from gridstress.settings import Settings, load_settings
from gridstress.worker import create_app
from tests.support.waiting import until
from topology.errors import GridstressError
from topology.grid import Grid
from ui.api.view_consumer import ViewConsumer
from ui.api.view_store import Store

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with embedded_broker() as running:
        yield running.bootstrap


def settings(bootstrap: str, **changes: Any) -> Settings:
    return load_settings(broker=f"kafka://{bootstrap}", role="views", **changes)


async def test_views_that_are_not_read_any_more_are_a_stall(bootstrap: str) -> None:
    ours = settings(bootstrap)
    await ensure_topics(ours)
    where = {"bootstrap_servers": bootstrap}
    known = Membership(settings_id="known")
    app = SimpleNamespace(transport=SimpleNamespace(arguments=where), group=known)
    async with ViewConsumer(where, Store(), ours.partitions, VIEW, STATUS, None) as views:
        observer = ViewObserver(app, views)
        assert not (await observer.see()).ready
        await until(lambda: views.caught_up, 30)
    watch = Watch(timeout_s=10)
    before = await observer.see()
    assert (before.ready, before.waiting, before.done) == (True, {VIEWS: 0}, {VIEWS: 0})
    async with AIOKafkaProducer(**where) as producer:
        await producer.send_and_wait(VIEW, b"{}", partition=0)
        await producer.send_and_wait(VIEW, b"{}", partition=0)
    after = await observer.see()
    assert after.waiting[VIEWS] > 0
    reasons = [watch.see(seen, 6.0) for seen in (before, after, after, after)]
    assert reasons[:3] == [None] * 3
    assert reasons[3] == f"views: {after.waiting[VIEWS]} records wait, none finished for 12 s"
    await observer.close()


async def test_a_view_server_learns_that_its_group_has_accepted_other_settings(
    bootstrap: str, triangle: Grid
) -> None:
    ours = settings(bootstrap)
    await ensure_topics(ours)
    app = create_app(ours, triangle)
    await app.check_settings()  # nothing is settled yet
    await join(ours, app.mine)
    await app.check_settings()
    others = Mine.of(settings(bootstrap, decay=0.5), triangle)
    await append(ours, *others.announcing(["r"], at="2026-01-01T00:00:00Z", by="test"))
    await app.check_settings()  # it may be given up
    await append(ours, others.record("accepted", at="2026-01-01T00:00:00Z", by="test"))
    with pytest.raises(GridstressError, match=r"GRIDSTRESS_DECAY is 0\.7, the group's 0\.5"):
        await app.check_settings()


async def test_a_view_server_that_is_the_first_waits_for_a_worker_and_writes_nothing(
    bootstrap: str, triangle: Grid, caplog: pytest.LogCaptureFixture
) -> None:
    ours = settings(bootstrap, group="new")
    app = create_app(ours, triangle)
    entering = asyncio.create_task(enter_group(app))
    awaited = "waits for a worker that settles the settings of group 'new'"
    await until(lambda: awaited in caplog.text, 30)
    assert topics.settings_log("new") in await missing_topics(ours)
    await ensure_topics(ours)
    assert await read_log(ours) is None
    assert not entering.done()
    assert not app.group.is_known
    await join(ours, app.mine)
    await asyncio.wait_for(entering, 30)
    assert app.group.is_known
    assert len(await read_topic(ours.kafka, topics.settings_log("new"))) == 1
