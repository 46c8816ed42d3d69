import importlib.metadata
import json
import os
import socket
from dataclasses import asdict
from pathlib import Path

import pytest

from gridstress.admin import doctor
from gridstress.local import processes
from gridstress.local.services import Place
from gridstress.settings import Settings
from topology.errors import BrokerError


def free_settings(**changes: object) -> Settings:
    """Settings of which nothing else on this machine knows; the broker is one to be started."""
    places = {"web_port": processes.free_port(), "ui_port": processes.free_port()}
    broker = f"kafka://127.0.0.1:{processes.free_port()}"
    settings = Settings(**{"broker": broker, **places, **changes})
    if "broker" not in changes:
        settings.model_fields_set.remove("broker")
    return settings


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GRIDSTRESS_")]:
        monkeypatch.delenv(name)


def test_a_machine_that_is_ready_passes_every_check(tmp_path: Path) -> None:
    findings = doctor.examine(free_settings(), Place(tmp_path, tmp_path / ".gridstress"))
    assert [finding.name for finding in findings if not finding.ok] == []
    assert json.dumps([asdict(finding) for finding in findings])


@pytest.mark.parametrize(
    ("version", "ok"),
    [((3, 10, 9), False), ((3, 11, 0), True), ((3, 14, 9), True), ((3, 15, 0), True)],
)
def test_python_must_be_3_11_or_newer(version: tuple[int, ...], ok: bool) -> None:
    assert doctor.python_version(version).ok is ok


def test_a_python_newer_than_tested_is_fine_but_said() -> None:
    assert "newer" not in doctor.python_version((3, 14, 9)).detail
    assert "newer than gridstress is tested on (3.11 to 3.14)" in (
        doctor.python_version((3, 15, 0)).detail
    )


def test_another_faust_is_refused_because_the_corrections_are_for_exactly_one() -> None:
    finding = doctor.faust_version(lambda _name: "0.15.4")
    assert not finding.ok
    assert finding.detail == "0.15.4, wanted 0.15.3"


def test_missing_packages_are_named_all_at_once() -> None:
    def only_numpy(name: str) -> str:
        if name == "numpy":
            return "2.0"
        raise importlib.metadata.PackageNotFoundError(name)

    finding = doctor.packages(only_numpy)
    assert not finding.ok
    assert "dash" in finding.detail
    assert "numpy" not in finding.detail
    assert not doctor.faust_version(only_numpy).ok


def test_a_silent_broker_is_a_failure_only_if_it_was_named_or_should_be_up() -> None:
    address = f"kafka://127.0.0.1:{processes.free_port()}"
    unnamed = Settings.model_construct(broker=address)
    unnamed.model_fields_set.discard("broker")
    assert doctor.broker(unnamed, is_up=False).ok
    assert not doctor.broker(unnamed, is_up=True).ok
    named = doctor.broker(Settings(broker=address), is_up=False)
    assert not named.ok
    assert address.removeprefix("kafka://") in named.detail
    assert named.hint


def test_a_machine_that_can_start_no_broker_is_fine_if_one_was_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> None:
        raise BrokerError("not here")

    for program in ((doctor, "_docker"), (doctor.embedded, "binary"), (doctor.kafka_jars, "check")):
        monkeypatch.setattr(*program, none)
    assert not doctor.optional_brokers(Settings()).ok
    assert doctor.optional_brokers(Settings(broker="kafka://127.0.0.1:1")).ok


def test_a_port_held_by_our_own_process_is_fine_and_by_another_is_not() -> None:
    settings = free_settings()
    with socket.create_server(("127.0.0.1", settings.ui_port)):
        if processes.holder(settings.ui_port) is None:
            pytest.skip("this system does not tell who listens")
        web, theirs = doctor.ports(settings, set())
        _, ours = doctor.ports(settings, {os.getpid()})
    assert web.ok
    assert not theirs.ok
    assert f"pid {os.getpid()}" in theirs.detail
    assert "GRIDSTRESS_UI_PORT" in theirs.hint
    assert ours.ok


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.writable("state", tmp_path / "new" / "deep").ok
    finding = doctor.writable("state", tmp_path / "file" / "below")
    assert not finding.ok
    assert str(tmp_path / "file") in finding.hint


def test_too_little_room_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert doctor.disk(tmp_path / "not" / "there").ok
    monkeypatch.setattr(doctor, "FREE_DISK_MIN_MB", 10**12)
    assert not doctor.disk(tmp_path).ok
