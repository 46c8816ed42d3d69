"""What all tests share: small grids, a real broker and a real browser where one is needed."""

# ruff: noqa: E402  # The user's environment is put away before anything reads it.
from bench.harness.brokers import embedded_broker
from tests.support import surroundings

surroundings.forget()

import asyncio
import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.harness.browser import missing
from gridstress.local import processes
from tests.support import allocator, browser, examples, ports, scheduling
from tests.support.shared_kafka import empty, shared_kafka
from topology.grid import Grid, Line, Node

TESTS = Path(__file__).parent

chromium = browser.chromium
examples.register()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        choices=["embedded", "apache"],
        default="embedded",
        help="Which broker the integration tests run on.",
    )
    parser.addoption("--explore-seed", default=0, help="What examples `make explore` draws.")
    parser.addoption("--load-file", help="A year of load for the test of a full year.")


def pytest_configure(config: pytest.Config) -> None:
    allocator.share_arenas()
    processes.free_port = ports.free_port
    if config.getoption("--hypothesis-profile") != "explore":
        examples.same_every_time()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # before xdist starts its processes
        examples.prepare()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep collected tests out of garbage collection, which costs a tenth of the processor time.

    What collecting has left behind goes first: else it would stay for ever.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not examples.exploring():
        examples.leave_out(config, items)
    if not (config.getoption("reverse") or config.getoption("random_order_enabled")):
        scheduling.in_order(items)
    for item in filter(examples.is_property, items):
        examples.leave_time_to_shrink(item)
    if lack := missing():
        for item in filter(is_browser_test, items):
            item.add_marker(pytest.mark.skip(reason=lack))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.UnitScheduling:
    return scheduling.UnitScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    examples.begin(item)
    with browser.loop(wanted=is_browser_test(item)):
        return (yield)


def is_browser_test(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lack = missing()
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("browser" in report.keywords for report in skipped)
    if lack and count:
        terminalreporter.write_line(f"{count} browser tests were SKIPPED: {lack}")


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test runs where the user stands, so neither a ``.env`` there nor other files count."""
    with surroundings.directory(tmp_path_factory.mktemp("elsewhere")):
        yield


@pytest.fixture(scope="session")
def broker_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--broker"))


@pytest.fixture(scope="session")
def process_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of the one Apache Kafka of this process; may hold what others left."""
    with shared_kafka(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def kafka(process_kafka: str) -> str:
    """``host:port`` of Apache Kafka, empty when the module begins."""
    asyncio.run(empty(process_kafka))
    return process_kafka


@pytest.fixture(scope="module")
def broker(
    request: pytest.FixtureRequest, broker_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """``host:port`` of a broker that is empty when the module begins."""
    if broker_kind == "apache":
        yield request.getfixturevalue("kafka")
        return
    with embedded_broker(directory=tmp_path_factory.mktemp("broker")) as running:
        yield running.bootstrap


@pytest.fixture(scope="session")
def explore_seed(request: pytest.FixtureRequest) -> str:
    """For tests that draw their own cases: always the same in the gate."""
    return str(request.config.getoption("--explore-seed"))


@pytest.fixture
def triangle() -> Grid:
    """Two zones, three nodes, a - b - c; every number is easy to reckon with."""
    return Grid(
        "triangle",
        nodes=(
            Node("a", "A", 50.0, 8.0, "north", 0.5, 100.0, 0.5),
            Node("b", "B", 51.0, 9.0, "north", 0.5, 100.0, 1.0),
            Node("c", "C", 52.0, 10.0, "south", 1.0, 100.0, 0.8),
        ),
        lines=(Line("a", "b", 100.0, 380.0, 0.5), Line("b", "c", 100.0, 380.0, 0.4)),
        zone_shares={"north": 0.5, "south": 0.5},
    )
