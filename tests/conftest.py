"""What all tests share: small grids, and a real broker where one is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridstress.brokers import apache_broker, embedded_broker
from topology.grid import Grid, Line, Node

TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        choices=["embedded", "apache"],
        default="embedded",
        help="Which broker the integration tests run on.",
    )
    parser.addoption("--load-file", help="A year of load for the test of a full year.")


@pytest.fixture(scope="session")
def broker_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--broker"))


@pytest.fixture(scope="module")
def broker(broker_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a broker that starts empty and stops with the module."""
    run = apache_broker if broker_kind == "apache" else embedded_broker
    with run(directory=tmp_path_factory.mktemp("broker")) as running:
        yield running.bootstrap


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
