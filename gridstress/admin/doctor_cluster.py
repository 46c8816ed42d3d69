"""The checks of `gridstress doctor` that ask the broker and the workers."""

import time
import webbrowser
from datetime import UTC, datetime
from typing import Any

from gridstress.kafka.clients import admin_client
from gridstress.kafka.topics import topic_specs
from gridstress.settings import Settings
from topology.errors import GridstressError
from ui.client.http import ApiClient
from ui.schema.system import WorkerStatus

CLOCKS_APART_S = 2.0
"""How far two clocks may be apart."""

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock can rightly be behind this."""

_WAIT_S = 3.0


async def topic_problems(settings: Settings) -> list[str] | None:
    """Partitions and copies of the topics that are not as they should be; None if none is there.

    Raises
    ------
    BrokerError
        If the broker does not say.
    """
    specs = {spec.name: spec for spec in topic_specs(settings)}
    async with admin_client(settings.kafka, "the broker does not describe its topics") as admin:
        there = sorted(specs.keys() & set(await admin.list_topics()))
        if not there:
            return None
        problems = []
        for topic in await admin.describe_topics(there):
            spec, count = specs[topic["topic"]], len(topic["partitions"])
            if count != spec.partitions and not spec.any_count:
                problems.append(f"{spec.name} has {count} partitions, not {spec.partitions}")
            copies = min((len(p["replicas"]) for p in topic["partitions"]), default=0)
            if copies < settings.replication:
                problems.append(f"{spec.name} has {copies} copies, not {settings.replication}")
        return problems


def clock_problem(settings: Settings) -> str:
    """What is wrong with this machine's clock, as far as can be seen; empty if nothing is."""
    if datetime.now(UTC) < RELEASED:
        return f"it is {datetime.now(UTC):%Y-%m-%d}, before this version was made"
    for url in settings.api_urls.split(","):
        try:
            with ApiClient(url, timeout_s=_WAIT_S, token=settings.token) as client:
                asked = time.time()
                theirs = client.health().now
        except GridstressError:
            continue
        apart_s = max(asked - theirs, theirs - time.time(), 0.0)
        if apart_s > CLOCKS_APART_S:
            return f"it and that of {url} are {apart_s:,.1f} s apart"
    return ""


def workers(settings: Settings) -> list[WorkerStatus]:
    """The workers and view servers that have reported in the last minute.

    Raises
    ------
    ViewsGoneError
        If those that answer have no views.
    WorkerGoneError, ApiError
        If none answers, or it refuses.
    """
    with ApiClient(settings.api_urls, timeout_s=_WAIT_S, token=settings.token) as client:
        return client.system().workers


def browser() -> str:
    """Name of the browser that Python would open here; empty if there is none."""
    try:
        found: Any = webbrowser.get()
    except webbrowser.Error:
        return ""
    return str(getattr(found, "name", type(found).__name__))
