"""A local Apache Kafka: one KRaft node, broker and controller in one process."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridstress.local import processes
from gridstress.local.broker import answers
from gridstress.local.kafka_jars import fetch_jars, java
from topology.errors import BrokerError

_HEAP = "512m"
_FORMAT_TIMEOUT_S = 120

_SERVER = """\
process.roles=broker,controller
node.id=1
listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
# Given anew at every start, so the controller may listen on another port each time.
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={data}
# One node: everything has one copy, and no group waits for members that may still come.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# Kafka's own least is 6 s: with a shorter GRIDSTRESS_SESSION_TIMEOUT_S a failover is seen sooner.
group.min.session.timeout.ms=1000
# A handful of clients: fewer partitions of its own make it start and stop faster.
num.partitions=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1
# A misspelt topic is an error, not a new topic.
auto.create.topics.enable=false
# Offsets of a demo that rests for some weeks should still be there.
offsets.retention.minutes=129600
"""

_LOGGING = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
"""


@dataclass(frozen=True)
class Detour:
    """One more way to the broker, which leads through something that stands in between.

    Parameters
    ----------
    listens
        Port the broker listens on for it.
    advertised
        Port on this machine that clients are given as the broker's: the one of a proxy.
    """

    listens: int
    advertised: int


def service(port: int, directory: Path, detours: Sequence[Detour] = ()) -> processes.ServiceSpec:
    """Apache Kafka as a service on ``127.0.0.1:port``, its data kept in `directory`.

    Fetches the jars and formats the storage where that has not been done. Started again with the
    same port and directory, also after it was killed, it goes on with what it had.

    Raises
    ------
    BrokerError
        If Java or Maven is missing or too old, the jars cannot be fetched, or the storage cannot
        be formatted.
    """
    program, jars = java(), fetch_jars()
    data = directory.resolve() / "data"
    data.mkdir(parents=True, exist_ok=True)
    server, logging = directory / "server.properties", directory / "log4j2.properties"
    controller_port = processes.free_port()
    while controller_port == port:
        controller_port = processes.free_port()
    names = ["PLAINTEXT", *(f"DETOUR{i}" for i in range(len(detours)))]
    listens = [port, *(detour.listens for detour in detours)]
    advertised = [port, *(detour.advertised for detour in detours)]
    server.write_text(
        _SERVER.format(
            listeners=_addresses(names, listens),
            advertised=_addresses(names, advertised),
            protocols=",".join(f"{name}:PLAINTEXT" for name in names),
            controller_port=controller_port,
            data=data.as_posix(),
        ),
        encoding="utf-8",
    )
    logging.write_text(_LOGGING, encoding="utf-8")
    common = [
        program,
        f"-Xmx{_HEAP}",
        f"-Dlog4j2.configurationFile={logging.resolve()}",
        *("-cp", f"{jars}/*"),
    ]
    if not (data / "meta.properties").exists():
        _format([*common, "kafka.tools.StorageTool"], server)
    return processes.ServiceSpec(
        name="broker",
        command=[*common, "kafka.Kafka", str(server.resolve())],
        ready=lambda: answers(f"127.0.0.1:{port}"),
        failure=BrokerError,
    )


def _addresses(names: Sequence[str], ports: Sequence[int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True))


def _format(tool: list[str], server: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # An id that begins with "-" would be read as an option.
    command = [*tool, "format", f"--cluster-id={cluster}", f"--config={server.resolve()}"]
    done = processes.captured(command, _FORMAT_TIMEOUT_S)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise BrokerError(f"Kafka's storage could not be formatted: {lines[-1][:300]}")
