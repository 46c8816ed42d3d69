"""The worker's real views on an app in memory, fed as a worker's feed feeds them."""

import asyncio
import dataclasses
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from yarl import URL

from gridstress.verify.collect import run_of
from tests.fuzz import seeds
from tests.fuzz.records import parsed
from topology.grid import Grid, Line, Node
from ui.api.agreement_history import History
from ui.api.answers import ApiQueries
from ui.api.record_check import RecordValidator
from ui.api.routes import register_views
from ui.api.view_consumer import RunTopics, ViewConsumer
from ui.api.view_store import Store
from ui.api.worker_routes import register_health
from ui.schema.endpoints import PREFIX
from ui.schema.grid import GridSettings
from ui.schema.system import Health

MODELS = ("linear", "centrality")
TOPICS = ("risk_windows_linear", "risk_alerts_linear", "worker_status", "grid_view", "runs",
          "audit", "replay_status", "grid_measurements")  # fmt: skip
ALL = ("/runs", "/state?model=linear", "/top?k=5", "/alerts", "/compare", "/compare/history",
       "/episodes", "/windows/open", "/node/a", "/node/c", "/system", "/replays")  # fmt: skip

GRID = Grid(
    "triangle",
    nodes=tuple(
        Node(i, i, 50.0, 9.0, z, 0.5, 100.0, 0.8)
        for i, z in (("a", "north"), ("b", "north"), ("c", "south"))
    ),
    lines=(Line("a", "b", 10.0, 380.0, 0.5), Line("b", "c", 10.0, 380.0, 0.4)),
)


class Pages:
    """Takes pages as a Faust app does, and gives their answers."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}

    def page(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def add(handler: Callable[..., Any]) -> Callable[..., Any]:
            self.handlers[path] = handler
            return handler

        return add

    def bytes(self, body: bytes, *, status: int, headers: Any, content_type: str) -> Any:
        return status, body

    def ask(self, text: str) -> tuple[int, bytes]:
        try:
            url = URL("http://h" + (text if text.startswith("/") else "/" + text))
        except ValueError:  # the server itself refuses what is no URL
            return 400, b"{}"
        request = SimpleNamespace(query=url.query, headers={})
        path = PREFIX + url.path
        if path.startswith(PREFIX + "/node/"):
            node_id = path.removeprefix(PREFIX + "/node/")
            handler = self.handlers[PREFIX + "/node/{node_id}"]
            return asyncio.run(handler(self, request, node_id=node_id))
        if path not in self.handlers:
            return 404, b"{}"
        return asyncio.run(self.handlers[path](self, request))


async def one_partition() -> int:
    return 1


def served() -> tuple[Pages, ViewConsumer]:
    """Pages over an empty store, and the feed that fills it."""
    influence = csr_array(np.array([[1.0, 0.5, 0.0], [0.25, 1.0, 0.4], [0.0, 0.3, 1.0]]))
    store = Store(History(GRID.index, list(MODELS), 1, 0.5), RecordValidator(GRID, MODELS, 1))
    answers = ApiQueries(
        grid=GRID,
        influence=dict.fromkeys(MODELS, influence),
        partitions=1,
        step_s=3600,
        size_s=10_800,
        settings=GridSettings(),
        store=store,
    )
    pages = Pages()
    register_health(pages, lambda: Health("ok", "here"))
    register_views(pages, answers)
    windows, alerts, status, view, runs, audit, replays, loads = TOPICS
    names = audit, replays, loads, runs, one_partition
    followed = RunTopics(*names, alerts={alerts: "linear"}, windows={windows: "linear"})
    feed = ViewConsumer({}, store, 1, view, status, followed)
    return pages, feed


def take(feed: ViewConsumer, record: Any) -> None:
    """One record, its topic by the first character of its value."""
    tagged = record.value
    kind = tagged[0] - 48 if tagged else -1
    topic = TOPICS[kind if 0 <= kind < len(TOPICS) else -1]
    value = tagged and tagged[1:]
    # A run's record has the run as its key, or is refused for that alone.
    key = (run_of(topic, value) or "").encode() if topic == "runs" else record.key
    feed._take(dataclasses.replace(record, topic=topic, key=key, value=value))


@cache
def filled() -> Pages:
    pages, feed = served()
    for tagged in seeds.results()[:4]:
        take(feed, parsed(tagged)[0])
    return pages


def ask(text: str) -> tuple[int, bytes]:
    """Ask a worker that knows a run."""
    return filled().ask(text)


def after(records: list[Any]) -> None:
    """Feed the records to a fresh worker; every question must still be answered."""
    pages, feed = served()
    for record in records:
        take(feed, record)
    for text in ALL:
        status, body = pages.ask(text)
        assert status == 200, (text, status, body)
