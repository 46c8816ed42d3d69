"""The launcher with real processes and the real embedded broker; only what they run is small."""

import dataclasses
import socket
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from gridstress.local import embedded, launcher, processes, services, state_file
from gridstress.local.launcher import Plan
from gridstress.local.services import Place
from gridstress.settings import Settings
from tests.gridstress.local.conftest import nothing_left
from topology.errors import BrokerError, DataError, GridstressError, UsageError

EMBEDDED = Plan(broker="embedded", timeout_s=30)


def quiet(_line: str) -> None:
    pass


def test_a_link_to_a_load_file_is_replayed_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept.csv").touch()
    (tmp_path / "load.csv").symlink_to("kept.csv")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    words = Plan(source=Path("../load.csv")).replay_command
    assert words[1] == str(tmp_path / "load.csv")


def test_the_workers_of_up_have_views_whatever_is_set(place: Place, settings: Settings) -> None:
    alone = settings.model_copy(update={"role": "worker"})
    started = services.worker(place, alone, "127.0.0.1:1", 0).environment
    assert started["GRIDSTRESS_ROLE"] == "all"


def test_a_session_that_the_user_has_set_is_kept_on_the_embedded_broker() -> None:
    assert embedded.quick_to_join(Settings(session_timeout_s=8)).session_timeout_s == 8
    assert embedded.quick_to_join(Settings()).session_timeout_s == 4


@pytest.mark.integration
def test_up_starts_everything_healthy_and_down_stops_exactly_that(
    place: Place, settings: Settings
) -> None:
    lines: list[str] = []
    plan = dataclasses.replace(EMBEDDED, workers=3, speed="60", reading=("--map=A=B",))
    try:
        running = launcher.up(settings, plan, place, lines.append)
        names = [service.name for service in running.running()]
        assert names == ["broker", "worker-1", "worker-2", "worker-3", "ui", "archive", "replay"]
        assert any("forgets all topics" in line for line in lines)
        assert (place.checkout / "arguments").read_text() == "replay --map=A=B --speed 60 --stay"
        urls = [f"http://127.0.0.1:{settings.web_port + index}" for index in range(3)]
        assert (place.checkout / "asks").read_text() == ",".join(urls)
        assert (place.checkout / "session").read_text() == "4.0"
        assert running.api_url == urls[0]
        assert state_file.load(place.home) == running

        with pytest.raises(GridstressError, match="already up: broker, worker-1") as caught:
            launcher.up(settings, plan, place, quiet)
        assert "gridstress down" in caught.value.hint
        assert caught.value.exit_code == 1
    finally:
        outcomes = launcher.down(place)
    # The archive has what the workers have written by their end.
    assert outcomes[-2:] == [("archive", "stopped"), ("broker", "stopped")]
    assert {outcome for _, outcome in outcomes} == {"stopped"}
    assert nothing_left(place)
    assert not place.data.exists()
    assert launcher.down(place) == []


@pytest.mark.integration
def test_a_worker_that_fails_takes_everything_down_and_its_log_line_is_the_reason(
    place: Place, settings: Settings
) -> None:
    (place.checkout / "faust" / "__main__.py").write_text("raise ValueError('no such grid')")
    with pytest.raises(GridstressError, match="worker-1 ended while starting: ValueError: no such"):
        launcher.up(settings, EMBEDDED, place, quiet)
    assert nothing_left(place)
    assert state_file.load(place.home) is None


@pytest.mark.integration
def test_a_worker_that_dies_after_it_was_healthy_ends_the_waiting_for_the_rest(
    place: Place, settings: Settings
) -> None:
    code = """
        import os, pathlib, signal
        worker = pathlib.Path("worker-pid").read_text()
        os.kill(int(worker), signal.SIGKILL)
        import time; time.sleep(600)
    """
    (place.checkout / "gridstress" / "__main__.py").write_text(textwrap.dedent(code))

    def note(line: str) -> None:
        if line.startswith("worker-1 is healthy"):
            known = state_file.load(place.home)
            assert known is not None
            (place.checkout / "worker-pid").write_text(str(known.services[-1].pid))

    plan = dataclasses.replace(EMBEDDED, ui=False)
    with pytest.raises(GridstressError, match="worker-1 ended after it had been healthy"):
        launcher.up(settings, plan, place, note)
    assert nothing_left(place)


@pytest.mark.integration
def test_what_is_not_healthy_in_time_is_taken_down_again(place: Place, settings: Settings) -> None:
    (place.checkout / "gridstress" / "__main__.py").write_text("import time; time.sleep(600)")
    plan = dataclasses.replace(EMBEDDED, timeout_s=8.0)
    with pytest.raises(GridstressError, match=r"ui was not healthy after \d+ s"):
        launcher.up(settings, plan, place, quiet)
    assert nothing_left(place)


@pytest.mark.integration
def test_an_interruption_leaves_nothing_running(place: Place, settings: Settings) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("worker-1 is healthy"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launcher.up(settings, EMBEDDED, place, interrupt)
    assert nothing_left(place)
    assert state_file.load(place.home) is None


@pytest.mark.integration
def test_replay_archive_and_dashboard_can_be_left_out(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, replay=False, ui=False, archive=False)
    try:
        running = launcher.up(settings, plan, place, quiet)
        assert [service.name for service in running.services] == ["broker", "worker-1"]
        assert running.ui_url == ""
    finally:
        launcher.down(place)


@pytest.mark.integration
def test_a_broker_can_be_started_alone(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, workers=0, replay=False, ui=False)
    try:
        running = launcher.up(settings, plan, place, quiet)
        assert [service.name for service in running.running()] == ["broker"]
        assert (running.api_url, running.ui_url) == ("", "")
    finally:
        assert launcher.down(place) == [("broker", "stopped")]


@pytest.mark.integration
def test_a_part_that_dies_is_started_again(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, replay=False, ui=False, archive=False)
    try:
        running = launcher.up(settings, plan, place, quiet)
        supervisor = psutil.Process(running.services[-1].pid)
        (worker,) = supervisor.children()
        worker.kill()
        worker.wait(60)
        deadline = time.monotonic() + 60
        while not services.answers(running.api_url):
            assert time.monotonic() < deadline, "it was not started again"
            time.sleep(0.1)
        assert supervisor.children() != [worker]
        with pytest.raises(GridstressError, match="already up: broker, worker-1"):
            launcher.up(settings, plan, place, quiet)
    finally:
        outcomes = launcher.down(place)
    assert outcomes == [("worker-1", "stopped"), ("broker", "stopped")]
    assert nothing_left(place)


@pytest.mark.integration
def test_what_a_killed_supervisor_has_left_counts_as_up(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, replay=False, ui=False, archive=False)
    try:
        supervisor = psutil.Process(launcher.up(settings, plan, place, quiet).services[-1].pid)
        (worker,) = supervisor.children()
        supervisor.kill()
        supervisor.wait(60)
        assert worker.is_running()
        with pytest.raises(GridstressError, match="already up: broker, worker-1"):
            launcher.up(settings, plan, place, quiet)
    finally:
        outcomes = launcher.down(place)
    assert outcomes == [("worker-1", "stopped"), ("broker", "stopped")]
    assert nothing_left(place)


@pytest.mark.integration
def test_a_part_that_ended_by_itself_is_named_when_stopping(
    place: Place, settings: Settings
) -> None:
    plan = dataclasses.replace(EMBEDDED, ui=False, archive=False)
    try:
        running = launcher.up(settings, plan, place, quiet)
        replay = next(one for one in running.services if one.name == "replay")
        process = psutil.Process(replay.pid)
        process.kill()
        process.wait(10)
    finally:
        outcomes = dict(launcher.down(place))
    assert outcomes == {"replay": "ended", "worker-1": "stopped", "broker": "stopped"}


@pytest.mark.parametrize(
    ("part", "setting"), [("web", "GRIDSTRESS_WEB_PORT"), ("ui", "GRIDSTRESS_UI_PORT")]
)
def test_a_taken_port_is_named_with_its_setting_before_anything_starts(
    place: Place, settings: Settings, part: str, setting: str
) -> None:
    port = settings.web_port if part == "web" else settings.ui_port
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(GridstressError) as caught:
            launcher.up(settings, EMBEDDED, place, quiet)
        held = processes.holder(port)
    by = f" by {held[1]} (pid {held[0]})" if held else ""
    assert str(caught.value) == f"port {port} ({setting}) is taken{by}"
    assert setting in caught.value.hint
    assert not place.logs.exists()


def test_the_ports_of_all_workers_are_looked_at(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, workers=3)
    with (
        socket.create_server(("127.0.0.1", settings.web_port + 2)),
        pytest.raises(GridstressError, match=f"port {settings.web_port + 2} "),
    ):
        launcher.up(settings, plan, place, quiet)


def test_one_port_for_two_services_is_wrong_usage(place: Place, settings: Settings) -> None:
    clash = settings.model_copy(update={"ui_port": settings.web_port})
    with pytest.raises(UsageError, match=f"port {settings.web_port} is wanted twice"):
        launcher.up(clash, EMBEDDED, place, quiet)


def test_an_external_broker_that_does_not_answer_starts_nothing(
    place: Place, settings: Settings
) -> None:
    address = f"kafka://127.0.0.1:{processes.free_port()}"
    with pytest.raises(BrokerError, match="no Kafka broker answers at"):
        launcher.up(settings, dataclasses.replace(EMBEDDED, broker=address), place, quiet)
    assert state_file.load(place.home) is None
    assert not place.logs.exists()


def test_a_file_that_is_not_there_is_bad_data(place: Place, settings: Settings) -> None:
    plan = dataclasses.replace(EMBEDDED, source=place.checkout / "none.csv")
    with pytest.raises(DataError, match=r"none\.csv"):
        launcher.up(settings, plan, place, quiet)


def test_an_unknown_broker_is_wrong_usage(settings: Settings) -> None:
    with pytest.raises(UsageError, match="'redpanda'"):
        launcher.choose(settings, "redpanda", quiet)


def test_a_local_broker_is_not_started_for_an_address_elsewhere(
    place: Place, settings: Settings
) -> None:
    far = settings.model_copy(update={"broker": "kafka://kafka.example:9092"})
    with pytest.raises(UsageError, match=r"kafka\.example:9092"):
        launcher.up(far, EMBEDDED, place, quiet)


def test_auto_takes_the_configured_broker_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSTRESS_BROKER", "kafka://kafka.example:9092")
    lines: list[str] = []
    assert launcher.choose(Settings(), "auto", lines.append) == "external"
    assert "kafka.example:9092" in lines[0]


def test_auto_without_docker_says_so_and_takes_the_embedded_broker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRIDSTRESS_BROKER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines: list[str] = []
    assert launcher.choose(Settings(), "auto", lines.append) == "embedded"
    assert lines == ["Docker is not installed: running local processes on the embedded broker"]
    with pytest.raises(BrokerError, match="Docker is not installed"):
        launcher.choose(Settings(), "docker", quiet)


def test_a_second_up_and_a_down_are_refused_while_the_first_is_at_work(
    place: Place, settings: Settings
) -> None:
    running = state_file.Stack("embedded", "x:1", "", "")
    with state_file.held(place.home):
        state_file.save(running, place.home)
        with pytest.raises(GridstressError, match="another `gridstress up` or `down` is at work"):
            launcher.up(settings, EMBEDDED, place, quiet)
        with pytest.raises(GridstressError, match="another `gridstress up` or `down` is at work"):
            launcher.down(place)
        assert state_file.load(place.home) == running
    assert launcher.down(place) == []
    assert state_file.load(place.home) is None


def test_a_place_that_cannot_be_written_to_is_named(place: Place, settings: Settings) -> None:
    place.home.write_text("a file")
    with pytest.raises(GridstressError, match=r"\.gridstress cannot be written: "):
        launcher.up(settings, EMBEDDED, place, quiet)
    with pytest.raises(GridstressError, match=r"\.gridstress cannot be written: "):
        launcher.down(place)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_named_and_nothing_stays_behind(place: Place, settings: Settings) -> None:
    place.home.mkdir()
    (place.home / "state.json.new").symlink_to("/dev/full")
    with pytest.raises(GridstressError, match=r"\.gridstress cannot be written: No space left"):
        launcher.up(settings, EMBEDDED, place, quiet)
    assert nothing_left(place)


def test_a_log_that_cannot_be_written_is_named(place: Place) -> None:
    place.home.mkdir()
    place.logs.write_text("a file")
    spec = processes.ServiceSpec("ui", [sys.executable, "-c", ""], ready=lambda: True)
    with pytest.raises(GridstressError, match=r"ui cannot be started: .*logs: File exists"):
        processes.spawn(spec, place.logs)


def test_a_state_file_of_another_shape_is_reported_not_guessed_at(place: Place) -> None:
    place.home.mkdir()
    (place.home / "state.json").write_text("[]")
    with pytest.raises(GridstressError, match=r"state\.json"):
        launcher.down(place)


def test_after_a_reboot_the_old_state_does_not_stand_in_the_way(
    place: Place, settings: Settings
) -> None:
    ghost = processes.Service("broker", 2**22 - 1, time.time(), "broker.log")
    state_file.save(state_file.Stack("embedded", "x:1", "", "", (ghost,)), place.home)
    plan = dataclasses.replace(EMBEDDED, source=place.checkout / "none.csv")
    with pytest.raises(DataError):  # it got past the check for a second `up`
        launcher.up(settings, plan, place, quiet)


@pytest.mark.parametrize("bind", [{"web_bind": "0.0.0.0"}, {"ui_bind": "10.0.0.7"}])
def test_listening_for_others_without_a_token_is_refused_before_anything_starts(
    place: Place, settings: Settings, bind: dict[str, str]
) -> None:
    exposed = settings.model_copy(update=bind)
    with pytest.raises(UsageError, match="for everyone") as caught:
        launcher.up(exposed, EMBEDDED, place, quiet)
    assert "GRIDSTRESS_API_TOKEN" in caught.value.hint
    assert nothing_left(place)


def test_a_broker_of_ours_knows_no_users(place: Place, settings: Settings) -> None:
    secure = settings.model_copy(update={"kafka_security_protocol": "SASL_SSL"})
    with pytest.raises(UsageError, match="lets everybody in"):
        launcher.up(secure, EMBEDDED, place, quiet)
