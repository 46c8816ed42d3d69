"""`gridstress up` and `down`: broker, workers, archive, dashboard, replay with one command."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from gridstress.kafka_connection import Cluster
from gridstress.local import apache, compose, embedded, kafka_jars, processes, services, state_file
from gridstress.local.broker import cluster_id_now
from gridstress.local.processes import Service, ServiceSpec
from gridstress.local.services import Place
from gridstress.local.state_file import Stack
from gridstress.settings import Settings
from topology.errors import BrokerError, DataError, GridstressError, UsageError
from ui.auth import refuse_exposed

KINDS = ("auto", "docker", "apache", "embedded")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What `up` is asked for.

    Parameters
    ----------
    broker
        One of `KINDS` or ``kafka://host:port``.
    workers
        How many; with 0 replay, archive and dashboard have nothing to talk to.
    speed
        Handed to ``gridstress replay --speed``.
    source
        File to replay; the bundled year if None.
    reading
        Options of ``gridstress replay`` that say how it is read.
    replay, ui, archive
        Whether to start them.
    timeout_s
        How long each service may take to become healthy, s.
    """

    broker: str = "auto"
    workers: int = 1
    speed: str = "auto"
    source: Path | None = None
    reading: tuple[str, ...] = ()
    replay: bool = True
    ui: bool = True
    archive: bool = True
    timeout_s: float = 120.0

    @property
    def replay_command(self) -> list[str]:
        """Words after `gridstress` that start the replay."""
        source = services.full_path(self.source) if self.source else None
        return services.replay_command(source, self.reading, self.speed)


def here() -> Place:
    """Checkout this code runs from, or the current directory if it is installed elsewhere."""
    root = Path(__file__).resolve().parents[2]
    checkout = root if (root / "pyproject.toml").exists() else Path.cwd()
    return Place(checkout, checkout / ".gridstress")


def up(settings: Settings, plan: Plan, place: Place, say: Say) -> Stack:
    """Start everything, wait until each part is healthy, and return what runs.

    Parameters
    ----------
    say
        Called with each step, one line at a time.

    Raises
    ------
    GridstressError
        If it is up already, a port is taken or a service does not become healthy. Nothing that
        was started is left running. An archive that fails is only noted: all else goes on.
    BrokerError
        If the broker does not come up or cannot be reached.
    DataError, UsageError
        If the file to replay or the broker's name is wrong.
    """
    with state_file.held(place.home):
        return _up(settings, plan, place, say)


def _up(settings: Settings, plan: Plan, place: Place, say: Say) -> Stack:
    _refuse_second(place)
    if plan.source is not None and not plan.source.is_file():
        raise DataError(f"there is no file {plan.source} to replay", hint="see `gridstress data`")
    kind = choose(settings, plan.broker, say)
    if kind != "external" and settings.kafka_security_protocol != "PLAINTEXT":
        raise UsageError(
            f"--broker {kind} starts a broker that lets everybody in, and "
            f"GRIDSTRESS_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}",
            hint="name the cluster it is meant for: --broker kafka://host:port",
        )
    if plan.workers and settings.role != "all":
        say(f"note: `up` starts workers with GRIDSTRESS_ROLE=all, not {settings.role}")
    if plan.workers > settings.partitions:
        say(
            f"note: {settings.partitions} partitions keep {settings.partitions} workers busy, "
            f"the others stand by (GRIDSTRESS_PARTITIONS)"
        )
    if kind == "docker":
        return _up_docker(settings, plan, place, say)
    if kind == "embedded":
        settings = embedded.quick_to_join(settings)
    _refuse_exposed(settings, plan)
    bootstrap = _bootstrap(settings, plan, kind)
    _check_ports(settings, plan, int(bootstrap.rpartition(":")[2]) if kind != "external" else None)
    started = Stack(
        kind,
        bootstrap,
        services.worker_url(settings, 0) if plan.workers else "",
        services.ui_url(settings) if plan.ui else "",
    )
    launch = _Launch(place, plan.timeout_s, say, started)
    cluster = replace(settings.kafka, bootstrap=bootstrap)
    try:
        _start_broker(launch, cluster)
        workers = [services.worker(place, settings, bootstrap, i) for i in range(plan.workers)]
        ui = [services.dashboard(place, settings, bootstrap, plan.workers)] if plan.ui else []
        launch.start(*workers, *ui)
        rest: list[ServiceSpec] = []  # they need the topics, which the workers make
        if plan.archive and plan.workers:
            rest.append(services.archive(place, settings, bootstrap))
        if plan.replay:
            rest.append(services.replay(place, settings, bootstrap, plan.replay_command))
        launch.start(*rest)
        launch.keep()
    except BaseException:
        # Also on Ctrl-C: whatever the reason, nothing stays behind.
        _stop_all(launch.stack, place)
        raise
    return launch.stack


def down(place: Place) -> list[tuple[str, str]]:
    """Stop exactly what `up` has started.

    Returns
    -------
    list of (str, str)
        Name and outcome of each part (``stopped``, ``killed``, ``ended``: it had ended by
        itself); empty if nothing was up.

    Raises
    ------
    BrokerError
        If Docker ran the services and does not answer any more.
    GridstressError
        If another `up` or `down` is at work.
    """
    if not place.home.exists():
        return []
    with state_file.held(place.home):
        running = state_file.load(place.home)
        return [] if running is None else _stop_all(running, place)


def choose(settings: Settings, broker: str, say: Say) -> str:
    """Which kind of broker `--broker` means here: docker, apache, embedded or external.

    Raises
    ------
    UsageError
        If it is none of the known names and no ``kafka://`` address.
    BrokerError
        If Docker is asked for and does not answer.
    """
    if broker.startswith("kafka://"):
        return "external"
    if broker not in KINDS:
        raise UsageError(
            f"--broker {broker!r} is not known",
            hint=f"one of {', '.join(KINDS)}, or kafka://host:port",
        )
    if broker == "auto" and "broker" in settings.model_fields_set:
        say(f"broker: {settings.bootstrap}, from GRIDSTRESS_BROKER")
        return "external"
    if broker == "auto":
        missing = compose.why_not()
        if missing is None:
            say("broker: Apache Kafka in Docker")
            return "docker"
        say(f"{missing}: running local processes on the embedded broker")
        return "embedded"
    if broker == "docker" and (missing := compose.why_not()) is not None:
        raise BrokerError(missing, hint="start Docker, or use --broker embedded")
    return broker


@dataclass
class _Launch:
    """Starts services one after the other and remembers them before waiting for any."""

    place: Place
    timeout_s: float
    say: Say
    stack: Stack
    healthy: list[tuple[ServiceSpec, Service]] = field(default_factory=list)

    def start(self, *specs: ServiceSpec) -> None:
        started = []
        for spec in specs:
            # Of the embedded broker a second start would have none of the topics.
            forgets = spec.name == "broker" and self.stack.broker == "embedded"
            spec = replace(spec, supervised=not (spec.may_end or forgets))
            service = processes.spawn(spec, self.place.logs)
            self.stack = replace(self.stack, services=(*self.stack.services, service))
            state_file.save(self.stack, self.place.home)
            started.append((spec, service))
        deadline = time.monotonic() + self.timeout_s
        for spec, service in started:
            failure = processes.wait_until_healthy(spec, service, deadline, self.healthy)
            if failure is not None:
                processes.stop(service)
                self._go_on_without(spec, failure)
                continue
            self.healthy.append((spec, service))
            self.say(f"{spec.name} is healthy (pid {service.pid}, log {service.log})")

    def keep(self) -> None:
        """Make sure that all still runs, and have it started again from now on."""
        for spec, failure in processes.check_alive(self.healthy):
            self._go_on_without(spec, failure)
        for spec, service in self.healthy:
            if spec.supervised:
                processes.keep(service)

    def _go_on_without(self, spec: ServiceSpec, failure: GridstressError) -> None:
        self.say(f"note: the {spec.name} does not run: {failure}; {failure.hint}")


def _refuse_second(place: Place) -> None:
    known = state_file.load(place.home)
    if known is None:
        return
    if known.compose_files:
        names = compose.running(known.compose_files)
    else:
        names = [service.name for service in known.running()]
    if names:
        raise GridstressError(
            f"gridstress is already up: {', '.join(names)}", hint="stop it with `gridstress down`"
        )
    state_file.forget(place.home)


def _bootstrap(settings: Settings, plan: Plan, kind: str) -> str:
    if kind == "external":
        named = plan.broker if plan.broker.startswith("kafka://") else settings.broker
        return named.removeprefix("kafka://")
    host, _, port = settings.bootstrap.rpartition(":")
    if host not in LOOPBACK or not port.isdecimal():
        raise UsageError(
            f"GRIDSTRESS_BROKER is {settings.broker}, and --broker {kind} starts one on 127.0.0.1",
            hint=f"leave --broker out to use {settings.broker}, or unset GRIDSTRESS_BROKER",
        )
    return f"127.0.0.1:{port}"


def _refuse_exposed(settings: Settings, plan: Plan) -> None:
    servers = [("the worker's API", settings.web_bind, "GRIDSTRESS_WEB_BIND")]
    if plan.ui:
        servers.append(("the dashboard", settings.ui_bind, "GRIDSTRESS_UI_BIND"))
    for what, bind, setting in servers:
        refuse_exposed(what, bind, setting, token=settings.token, insecure=settings.insecure)


def _check_ports(settings: Settings, plan: Plan, broker_port: int | None) -> None:
    wanted = [(broker_port, "GRIDSTRESS_BROKER", "127.0.0.1")] if broker_port else []
    wanted += [
        (settings.web_port + index, "GRIDSTRESS_WEB_PORT", settings.web_bind)
        for index in range(plan.workers)
    ]
    if plan.ui:
        wanted.append((settings.ui_port, "GRIDSTRESS_UI_PORT", settings.ui_bind))
    for port, setting, host in wanted:
        if wanted[[port for port, _, _ in wanted].index(port)][1] != setting:
            raise UsageError(f"port {port} is wanted twice", hint=f"set {setting} to another port")
        processes.check_free(port, setting, host)


def _start_broker(launch: _Launch, cluster: Cluster) -> None:
    place, running = launch.place, launch.stack
    port = int(running.bootstrap.rpartition(":")[2])
    if running.broker == "embedded":
        launch.say(f"note: {embedded.NOTE}")
        launch.start(embedded.service(port))
    elif running.broker == "apache":
        if not kafka_jars.cache_dir().is_dir():
            launch.say("fetching Apache Kafka, which takes a minute the first time")
        with state_file.writing(place.home):
            broker = apache.service(port, place.home / "kafka")
        launch.start(broker)
    cluster_id_now(cluster)  # a clear error if no broker answers


def _up_docker(settings: Settings, plan: Plan, place: Place, say: Say) -> Stack:
    port = compose.broker_port(settings)
    _check_ports(settings, plan, port)
    with state_file.writing(place.home):
        files = compose.prepare(place, settings, plan.replay_command, plan.source)
    running = Stack(
        "docker",
        f"127.0.0.1:{port}",
        f"http://127.0.0.1:{settings.web_port}" if plan.workers else "",
        f"http://127.0.0.1:{settings.ui_port}" if plan.ui else "",
        compose_files=files,
    )
    state_file.save(running, place.home)
    try:
        say("building the image and starting the containers; the first time takes some minutes")
        wanted = {"worker": plan.workers, "archive": plan.archive and plan.workers, "ui": plan.ui}
        parts = ["kafka", *(name for name, yes in wanted.items() if yes)]
        compose.start(files, parts, settings, workers=plan.workers, timeout_s=plan.timeout_s)
        if plan.replay:
            seen = services.new_run_seen(running.api_url, settings.token)
            compose.start(files, ["replay"], settings, workers=plan.workers, timeout_s=None)
            compose.wait_for_replay(files, seen, plan.timeout_s)
    except BaseException:
        _stop_all(running, place)
        raise
    return running


def _stop_all(running: Stack, place: Place) -> list[tuple[str, str]]:
    if running.compose_files:
        outcomes = [(name, "stopped") for name in compose.stop(running.compose_files)]
    else:
        # Workers say good-bye to the broker; the archive keeps all that they have written.
        last = (services.ARCHIVE, "broker")
        first = [one for one in reversed(running.services) if one.name not in last]
        with ThreadPoolExecutor(max(len(first), 1)) as threads:
            outcomes = list(
                zip((one.name for one in first), threads.map(processes.stop, first), strict=True)
            )
        rest = sorted((s for s in running.services if s.name in last), key=lambda s: s.name)
        outcomes += [(one.name, processes.stop(one)) for one in rest]
    if running.broker == "embedded":
        shutil.rmtree(place.data, ignore_errors=True)
    state_file.forget(place.home)
    return outcomes
