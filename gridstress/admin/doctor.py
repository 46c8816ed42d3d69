"""Check whether this machine can run gridstress; each check reports a finding and what to do."""

import asyncio
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gridstress.admin import doctor_cluster
from gridstress.faust_fixes import FAUST_VERSION
from gridstress.group_settings.rule import Mine, differences
from gridstress.group_settings.settings_log import read_log
from gridstress.kafka import topic_drift
from gridstress.kafka.probe import EMBEDDED_CLUSTER_ID, cluster_id
from gridstress.local import compose, embedded, kafka_jars, processes, state_file
from gridstress.local.services import Place
from gridstress.logs import printable
from gridstress.settings import Settings
from topology.errors import BrokerError, GridstressError
from topology.loaders import load_grid
from ui.client.refusals import ViewsGoneError
from ui.schema.system import ROLES

PYTHON_OLDEST, PYTHON_NEWEST = (3, 11), (3, 14)
"""The versions of Python that gridstress is tested on, both included."""

FREE_DISK_MIN_MB = 500
"""Tables, logs and a broker's topics of the bundled year fit into a tenth of it."""

PACKAGES = (
    "aiokafka",
    "cramjam",
    "uvloop",
    "rocksdict",
    "orjson",
    "msgspec",
    "numpy",
    "scipy",
    "networkx",
    "pandas",
    "pydantic-settings",
    "httpx",
    "psutil",
    "prometheus-client",
    "dash",
    "plotly",
)

_BROKER_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """What one check has found, whether gridstress can run with it, and what to do if not."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine(settings: Settings, place: Place) -> list[Finding]:
    """All findings for this machine, settings and checkout, in a fixed order."""
    ours = _our_processes(place)
    return [
        python_version(sys.version_info[:3]),
        faust_version(),
        packages(),
        broker(settings, is_up=bool(ours)),
        topics(settings),
        topic_settings(settings),
        group(settings),
        clock(settings),
        workers(settings),
        *ports(settings, ours),
        writable("state directory", place.home),
        writable("data directory", settings.data_dir),
        disk(place.home),
        optional_brokers(settings),
        browser(),
    ]


def python_version(version: tuple[int, ...]) -> Finding:
    """Whether this Python can run gridstress; a newer one than tested may."""
    found = f"{'.'.join(str(part) for part in version)} ({platform.system()})"
    tested = " to ".join(f"{major}.{minor}" for major, minor in (PYTHON_OLDEST, PYTHON_NEWEST))
    if version[:2] > PYTHON_NEWEST:
        found += f", newer than gridstress is tested on ({tested})"
    return Finding("Python", version[:2] >= PYTHON_OLDEST, found, f"install Python {tested}")


def faust_version(installed: Callable[[str], str] = importlib.metadata.version) -> Finding:
    """Whether Faust is exactly the one that the corrections are written for."""
    hint = "make venv, or pip install -r requirements-runtime.lock"
    try:
        version = installed("faust-streaming")
    except importlib.metadata.PackageNotFoundError:
        return Finding("Faust", False, "not installed", hint)
    return Finding("Faust", version == FAUST_VERSION, f"{version}, wanted {FAUST_VERSION}", hint)


def packages(installed: Callable[[str], str] = importlib.metadata.version) -> Finding:
    """Whether the packages gridstress leans on are there."""
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {installed(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    detail = f"missing: {', '.join(missing)}" if missing else ", ".join(found)
    return Finding(
        "packages", not missing, detail, "make venv, or pip install -r requirements-runtime.lock"
    )


def broker(settings: Settings, *, is_up: bool) -> Finding:
    """Whether the broker answers; before `gridstress up` it need not, unless one was named."""
    try:
        identity = asyncio.run(cluster_id(settings.kafka, timeout_s=_BROKER_TIMEOUT_S))
    except GridstressError as error:
        if "broker" in settings.model_fields_set or is_up:
            return Finding("broker", False, str(error), error.hint)
        return Finding("broker", True, f"none at {settings.bootstrap}; `gridstress up` starts one")
    kind = "embedded" if identity == EMBEDDED_CLUSTER_ID else "Kafka"
    return Finding("broker", True, f"{kind} at {settings.bootstrap}, cluster id {identity}")


def topics(settings: Settings) -> Finding:
    """Whether the topics that are there have as many partitions and copies as they should."""
    hint = "set GRIDSTRESS_PARTITIONS and GRIDSTRESS_REPLICATION to what they have, or change "
    hint += "them: gridstress reshard, or Kafka's kafka-reassign-partitions"
    try:
        asyncio.run(cluster_id(settings.kafka, timeout_s=_BROKER_TIMEOUT_S))
        problems = asyncio.run(doctor_cluster.topic_problems(settings))
    except GridstressError:
        return Finding("topics", True, "not looked at: no broker says what it has")
    if problems is None:
        return Finding("topics", True, "none yet; the first worker makes them")
    return Finding("topics", not problems, "; ".join(problems) or "as they should be", hint)


def topic_settings(settings: Settings) -> Finding:
    """Whether the topics that are there are kept as this gridstress would have made them."""
    name = "topic settings"
    try:
        asyncio.run(cluster_id(settings.kafka, timeout_s=_BROKER_TIMEOUT_S))
    except GridstressError:
        return Finding(name, True, "not looked at: no broker answers")
    try:
        found = asyncio.run(topic_drift.drift(settings))
    except GridstressError as error:
        return Finding(name, False, str(error), "give this user DescribeConfigs on the topics")
    if not found:
        return Finding(name, True, "as they should be")
    lines = ["`gridstress doctor --fix-topics` sets them, and so does"]
    lines += topic_drift.commands(settings, found)
    detail = f"{len(found)} are otherwise\n{topic_drift.table(found)}"
    return Finding(name, False, detail, "\n".join(lines))


def group(settings: Settings) -> Finding:
    """Whether a worker would have the settings of its group."""
    hint = "take the group's settings, or stop its workers and `gridstress settings accept`"
    try:
        grid = load_grid(settings.topology)
    except GridstressError as error:
        return Finding("group's settings", False, str(error), error.hint)
    try:
        asyncio.run(cluster_id(settings.kafka, timeout_s=_BROKER_TIMEOUT_S))
        found = asyncio.run(read_log(settings))
    except BrokerError:
        return Finding("group's settings", True, "not looked at: no broker says what they are")
    except GridstressError as error:
        return Finding("group's settings", False, str(error), error.hint)
    if found is None:
        return Finding("group's settings", True, "none yet; the first worker settles them")
    other = differences(found.current, Mine.of(settings, grid))
    same = f"the same here: {found.current.id}"
    return Finding("group's settings", not other, "; ".join(other) or same, hint)


def clock(settings: Settings) -> Finding:
    """Whether this machine's clock can be right: ages and time-outs depend on it."""
    problem = doctor_cluster.clock_problem(settings)
    detail = problem or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Finding("clock", not problem, detail, "let the clock be set by NTP (timedatectl)")


def workers(settings: Settings) -> Finding:
    """Whether there are workers and none is stalled, and whether one that is asked has views."""
    name = "workers"
    try:
        found = doctor_cluster.workers(settings)
    except ViewsGoneError as error:
        return Finding(name, False, str(error), error.hint)
    except GridstressError as error:
        return Finding(name, True, f"not looked at: {error}")
    texts = [printable(f"{w.worker} ({ROLES.get(w.role, w.role)}, {w.status})") for w in found]
    if all(w.role == "views" for w in found):
        detail = ", ".join(["no worker has reported in the last minute", *texts])
        return Finding(name, False, detail, "start a worker: faust -A gridstress worker")
    stalled = any(w.status == "stalled" for w in found)
    hint = "the log and /api/v1/health of one that is stalled say why (docs/operations.md)"
    return Finding(name, not stalled, ", ".join(texts), hint)


def browser() -> Finding:
    """Which browser would show the dashboard; one on another machine does as well."""
    found = doctor_cluster.browser()
    none = "none here; the dashboard can be opened from another machine (docs/security.md)"
    return Finding("browser", True, found or none)


def ports(settings: Settings, ours: set[int]) -> list[Finding]:
    """Whether the ports of worker and dashboard are free or held by our own processes."""
    wanted = [
        ("worker port", settings.web_port, settings.web_bind, "GRIDSTRESS_WEB_PORT"),
        ("dashboard port", settings.ui_port, settings.ui_bind, "GRIDSTRESS_UI_PORT"),
    ]
    findings = []
    for name, port, host, setting in wanted:
        if processes.is_free(port, host):
            findings.append(Finding(name, True, f"{port} is free"))
            continue
        held = processes.holder(port)
        who = f"{held[1]} (pid {held[0]})" if held else "another process"
        mine = held is not None and held[0] in ours
        detail = f"{port} is held by {'our own ' if mine else ''}{who}"
        findings.append(Finding(name, mine, detail, f"stop it, or set {setting} to another port"))
    return findings


def writable(name: str, directory: Path) -> Finding:
    """Whether files can be made in `directory`, or it can be made."""
    nearest = directory.resolve()
    while not nearest.exists():
        nearest = nearest.parent
    ok = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    detail = f"{directory} can {'' if ok else 'not '}be written"
    return Finding(name, ok, detail, f"give yourself the right to write to {nearest}")


def disk(directory: Path) -> Finding:
    """Whether there is room for state and logs."""
    nearest = directory.resolve()
    while not nearest.exists():
        nearest = nearest.parent
    free_mb = shutil.disk_usage(nearest).free // 2**20
    return Finding(
        "disk",
        free_mb >= FREE_DISK_MIN_MB,
        f"{free_mb:,} MB free, {FREE_DISK_MIN_MB} wanted",
        f"make room on the disk of {nearest}",
    )


def optional_brokers(settings: Settings) -> Finding:
    """Which brokers `gridstress up` could start here; one is enough, none if one was named."""
    able, unable = [], []
    checks: list[tuple[str, Callable[[], object]]] = [
        ("docker", _docker),
        ("embedded", embedded.binary),
        ("apache", kafka_jars.check),
    ]
    for name, check in checks:
        try:
            check()
            able.append(name)
        except BrokerError as error:
            unable.append(f"{name}: {error}")
    detail = f"can start: {', '.join(able) or 'none'}"
    if unable:
        detail += f" ({'; '.join(unable)})"
    return Finding(
        "brokers",
        bool(able) or "broker" in settings.model_fields_set,
        detail,
        "pip install 'gridstress[embedded]', start Docker, or set GRIDSTRESS_BROKER",
    )


def _docker() -> None:
    reason = compose.why_not()
    if reason:
        raise BrokerError(reason)


def _our_processes(place: Place) -> set[int]:
    try:
        known = state_file.load(place.home)
    except GridstressError:
        return set()
    return {service.pid for service in known.running()} if known else set()
