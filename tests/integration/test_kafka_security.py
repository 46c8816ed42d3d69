"""Kafka that asks who is there: everything that connects brings what it wants, or says why not."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridstress.kafka.probe import cluster_id
from gridstress.kafka_connection import Cluster
from gridstress.settings import load_settings
from tests.integration.harness import Stack
from tests.integration.secure_kafka import PASSWORD, USER, SecureKafka, secure_kafka
from tests.support.shared_kafka import quick_java
from topology.errors import BrokerError

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

if shutil.which("openssl") is None:
    pytest.skip("there is no openssl to make certificates with", allow_module_level=True)

DAY = ("--start", "2025-01-07", "--until", "2025-01-08", "--speed", "max")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    with quick_java(), secure_kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def run_a_day(bootstrap: str, environment: dict[str, str], directory: Path) -> None:
    """Worker, replay, verifier, doctor and alarms, each with its own connections."""
    group = directory.name
    with Stack(bootstrap, directory, {**environment, "GRIDSTRESS_GROUP": group}) as stack:
        stack.add_worker()
        done = stack.command("replay", "--run", group, *DAY)
        assert done.returncode == 0, done.stderr
        assert stack.verify(group)["ok"]
        done = stack.command("alerts", "--run", group, "--json")
        assert done.returncode == 0, done.stderr
        assert '"RAISED"' in done.stdout
        assert "ok    broker: Kafka at" in stack.command("doctor").stdout
        output = "".join(path.read_text(errors="replace") for path in directory.glob("*.log"))
        assert output, "the worker has a log"
        assert PASSWORD not in output


def test_a_run_is_replayed_and_verified_with_a_user_over_tls(
    kafka: SecureKafka, tmp_path: Path
) -> None:
    directory = tmp_path / "by-user"
    directory.mkdir()
    run_a_day(kafka.sasl, kafka.by_user, directory)


def test_a_run_is_replayed_and_verified_with_a_certificate(
    kafka: SecureKafka, tmp_path: Path
) -> None:
    directory = tmp_path / "by-certificate"
    directory.mkdir()
    run_a_day(kafka.mtls, kafka.by_certificate, directory)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_both_ways_to_prove_a_user_are_spoken(kafka: SecureKafka, mechanism: str) -> None:
    cluster = Cluster(
        kafka.sasl, "SASL_SSL", mechanism, USER, PASSWORD, kafka.files / "ca.pem"  # type: ignore[arg-type]
    )  # fmt: skip
    assert asyncio.run(cluster_id(cluster))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kafka_sasl_password": "not-it-by-far"}, "refused user 'grid' (SCRAM-SHA-512)"),
        ({"kafka_sasl_mechanism": "SCRAM-SHA-256"}, "refused user 'grid' (SCRAM-SHA-256)"),
        ({"kafka_ssl_cafile": None}, "is not trusted"),
    ],
)
def test_a_refusal_is_explained_without_the_password(
    kafka: SecureKafka,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, str | None],
    words: str,
) -> None:
    for name, value in kafka.by_user.items():
        monkeypatch.setenv(name, value)
    for name, value in wrong.items():
        monkeypatch.setenv(f"GRIDSTRESS_{name.upper()}", value or "")
    settings = load_settings(broker=f"kafka://{kafka.sasl}")
    with pytest.raises(BrokerError) as caught:
        asyncio.run(cluster_id(settings.kafka))
    assert words in str(caught.value)
    assert caught.value.hint
    assert settings.kafka.password not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("door", ["sasl", "mtls"])
@pytest.mark.parametrize("words", [("replay", *DAY), ("verify", "--no-open"), ("alerts",)])
def test_without_credentials_a_command_ends_with_one_line(
    kafka: SecureKafka, tmp_path: Path, door: str, words: tuple[str, ...]
) -> None:
    bootstrap = getattr(kafka, door)
    trusting = {
        "GRIDSTRESS_KAFKA_SECURITY_PROTOCOL": "SSL",
        "GRIDSTRESS_KAFKA_SSL_CAFILE": str(kafka.files / "ca.pem"),
    }
    with Stack(bootstrap, tmp_path, trusting if door == "mtls" else {}) as stack:
        done = stack.command(*words, timeout_s=60)
    assert done.returncode == 3, done.stdout + done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith(f"error: the broker at {bootstrap}")
    assert hint.startswith("hint: ")
    assert "Traceback" not in done.stderr


def test_a_worker_without_credentials_does_not_start(kafka: SecureKafka, tmp_path: Path) -> None:
    from gridstress.local import processes
    from topology.errors import GridstressError

    with Stack(kafka.sasl, tmp_path, {"GRIDSTRESS_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}) as stack:
        with pytest.raises(GridstressError, match="ended while starting"):
            stack.add_worker()
        log = Path(stack.workers[0].service.log).read_text()
        assert processes.error_line(Path(stack.workers[0].service.log))
    assert f"error: the broker at {kafka.sasl}" in log
