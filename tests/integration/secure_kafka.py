"""Apache Kafka that asks who is there: one door for users (SASL_SSL), one for certificates (mTLS).

Certificates are made by the ``openssl`` program, for one day.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness.brokers import running
from gridstress.local import apache, processes
from gridstress.local.kafka_jars import fetch_jars, java

START_TIMEOUT_S = 150.0

USER, PASSWORD = "grid", "s3cret-of-the-broker"

_DOORS = """
listeners={listeners},SASL://127.0.0.1:{sasl},MTLS://127.0.0.1:{mtls}
advertised.listeners={advertised},SASL://127.0.0.1:{sasl},MTLS://127.0.0.1:{mtls}
listener.security.protocol.map={protocols},SASL:SASL_SSL,MTLS:SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
listener.name.mtls.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
"""

_TO_FORMAT = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:2
log.dirs={data}
"""


@dataclass(frozen=True)
class SecureKafka:
    """A running broker; addresses are ``127.0.0.1:port``."""

    sasl: str
    mtls: str
    files: Path

    @property
    def by_user(self) -> dict[str, str]:
        """Settings of somebody who comes with a user."""
        return {
            "GRIDSTRESS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "GRIDSTRESS_KAFKA_SASL_USERNAME": USER,
            "GRIDSTRESS_KAFKA_SASL_PASSWORD": PASSWORD,
            "GRIDSTRESS_KAFKA_SSL_CAFILE": str(self.files / "ca.pem"),
        }

    @property
    def by_certificate(self) -> dict[str, str]:
        """Settings of somebody who comes with a certificate, its key encrypted."""
        return {
            "GRIDSTRESS_KAFKA_SECURITY_PROTOCOL": "SSL",
            "GRIDSTRESS_KAFKA_SSL_CAFILE": str(self.files / "ca.pem"),
            "GRIDSTRESS_KAFKA_SSL_CERTFILE": str(self.files / "client.pem"),
            "GRIDSTRESS_KAFKA_SSL_KEYFILE": str(self.files / "client.key"),
            "GRIDSTRESS_KAFKA_SSL_KEY_PASSWORD": PASSWORD,
        }


@contextmanager
def secure_kafka(directory: Path) -> Iterator[SecureKafka]:
    """Run the broker for the length of a ``with`` block."""
    make_certificates(directory)
    (directory / "keystore.pem").write_bytes(
        (directory / "broker.key").read_bytes() + (directory / "broker.pem").read_bytes()
    )
    _format_with_user(directory)
    port, sasl, mtls = (processes.free_port() for _ in range(3))
    spec = apache.service(port, directory)
    properties = directory / "server.properties"
    text = properties.read_text()
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    doors = _DOORS.format(
        listeners=found["listeners"],
        advertised=found["advertised.listeners"],
        protocols=found["listener.security.protocol.map"],
        sasl=sasl,
        mtls=mtls,
        keystore=directory / "keystore.pem",
        ca=directory / "ca.pem",
        user=USER,
        password=PASSWORD,
    )
    properties.write_text(text + doors)  # what is said last, counts
    with running(spec, directory, START_TIMEOUT_S):
        yield SecureKafka(f"127.0.0.1:{sasl}", f"127.0.0.1:{mtls}", directory)


def make_certificates(directory: Path) -> None:
    """``ca.pem``, and ``broker``, ``client`` (its key encrypted) as ``.pem`` and ``.key``."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    new = ["req", "-x509", *curve, "-days", "1"]
    _openssl(
        directory, *new, "-nodes", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem"
    )
    signed = [*new, "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"]
    _openssl(
        directory,
        *(*signed, "-nodes", "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "broker.pem"),
    )
    _openssl(
        directory,
        *(*signed, "-passout", f"pass:{PASSWORD}", "-subj", "/CN=client"),
        *("-keyout", "client.key", "-out", "client.pem"),
    )


def _openssl(directory: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=30)


def _format_with_user(directory: Path) -> None:
    """Make the storage with the user in it: there is no other moment without a further tool."""
    to_format = directory / "format.properties"
    to_format.write_text(_TO_FORMAT.format(data=directory / "data"))
    (directory / "data").mkdir()
    command = [
        *(java(), "-cp", f"{fetch_jars()}/*", "kafka.tools.StorageTool", "format"),
        *("--cluster-id", "AAAAAAAAAAAAAAAAAAAAAA", "--config", str(to_format)),
        *("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
