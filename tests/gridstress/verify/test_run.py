"""The whole command against a real (embedded) broker; the workers' API is played by a server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count

import msgspec
import pytest

from bench.harness.brokers import embedded_broker
from gridstress.verify.recompute import Recomputed, recompute
from tests.gridstress.verify.broker import Worker, commands, create, finish, of_run, send
from tests.gridstress.verify.samples import (
    GRID,
    HOUR,
    SETTINGS,
    echo,
    evening,
    frame,
    load,
    unfinished,
)
from tests.support.frames import run_record
from topology.codec import encode
from topology.errors import DataError, GridstressError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as running:
        asyncio.run(create(running.bootstrap))
        yield running.bootstrap


@pytest.fixture(scope="module")
def runs(broker):
    """Three runs on the broker: one good and finished, one with a wrong alert, one unfinished."""
    late = frame("North", 7, [2], [[load(9), load(9)]])
    finished = [*evening()[:3], late, evening()[3]]
    made = {}
    for name, frames in (
        ("good", finished),
        ("bad", finished),
        ("open", unfinished()),
    ):
        frames = [msgspec.structs.replace(f, run=name) for f in frames]
        expected = recompute(frames, GRID, SETTINGS)
        observed = echo(expected)
        if name == "bad":
            alert = observed.alerts["linear"][0]
            observed.alerts["linear"][0] = msgspec.structs.replace(alert, risk_score=0.69)
        send(broker, of_run(frames, expected, observed))
        made[name] = expected
    return made


@pytest.fixture
def command(broker, monkeypatch):
    return commands(broker, monkeypatch)


@pytest.fixture
def worker(runs):
    workers = []

    def start(name: str, expected: Recomputed | None = None) -> Worker:
        workers.append(Worker(expected or runs[name]))
        return workers[-1]

    yield start
    for each in workers:
        each.server.shutdown()
        each.server.server_close()


def test_a_good_run_is_equal_and_the_counts_are_reported(command, worker):
    result = command("verify", "--run", "good", "--api", worker("good").url)
    assert result.exit_code == 0, result.output
    assert "equal: nothing is missing" in result.output
    assert "1 late" in result.output


def test_the_newest_run_is_the_default_and_its_open_windows_are_compared(command, broker, worker):
    # A repeat counts nothing, and makes the run the newest, whatever other tests have sent.
    again = msgspec.structs.replace(unfinished()[0], run="open")
    send(broker, [("grid_measurements", int(again.zone == "South"), again)])
    result = command("verify", "--api", worker("open").url, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["run"], found["open_windows_compared"]) == ("open", True)
    assert found["outcomes"]["linear"]["counts"]["open windows found"] == 3


def test_of_a_run_that_workers_have_dropped_no_open_window_is_missed(command, worker):
    api = worker("open")
    answer = api.answer
    api.answer = lambda path, query: answer(path, query) if path == "health" else None
    result = command("verify", "--run", "open", "--api", api.url, "--wait", "0", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["outcomes"]["linear"]
    assert found["counts"]["open windows not shown"] == 3
    assert any("do not know the run any more" in note for note in found["notes"])


def test_a_wrong_open_window_ends_with_1(command, worker):
    api = worker("open")
    api.open_windows["linear"].windows[0].stress[0] *= 1.1
    result = command("verify", "--run", "open", "--api", api.url, "--wait", "1")
    assert result.exit_code == 1
    assert "open stress of a in the window ending 1970-01-01T03:00:00Z" in result.output


def test_a_wrong_alert_ends_with_1_and_is_named(command, runs):
    result = command("verify", "--run", "bad", "--no-open", "--api", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "DIFFERENT: linear: alert a RAISED WARNING at 1970-01-01T02:00:00Z" in result.output
    assert "no worker was waited for" in result.output


def test_workers_that_do_not_get_on_are_named(command, worker):
    api = worker("good")
    api.closed_until_s = 2 * HOUR
    args = ("verify", "--run", "good", "--api", api.url, "--wait", "0.2")
    result = command(*args)
    assert isinstance(result.exception, GridstressError)
    closed = "has closed those until 1970-01-01T02:00:00Z of the windows until 1970-01-01T06:00:00Z"
    assert f"linear shard 0 {closed}" in str(result.exception)
    api.applied["North"] = 3
    result = command(*args)
    assert "linear shard 0 at row 3 of 7 of zone North" in str(result.exception)


def test_rows_that_move_no_clock_are_waited_for(command, broker, worker):
    """A late row comes behind the last one that counts, and its dead letters take a moment."""
    late = frame("North", 7, [2], [[load(9), load(9)]])
    frames = [msgspec.structs.replace(f, run="slow") for f in (*evening(), late)]
    expected = recompute(frames, GRID, SETTINGS)
    records = of_run(frames, expected, echo(expected))
    dead_letters = [record for record in records if record[0] == "dead_letters"]
    send(broker, [record for record in records if record not in dead_letters])
    api = worker("slow", expected)
    api.applied["North"] = 6

    def go_on() -> None:
        send(broker, dead_letters)
        api.applied["North"] = 7

    timer = threading.Timer(1.0, go_on)
    timer.start()
    result = command("verify", "--run", "slow", "--api", api.url)
    timer.join()
    assert result.exit_code == 0, result.output


@contextmanager
def feed_of_another_run(broker: str, group: str) -> Iterator[None]:
    """Frames that never end, of which the group has always one left."""
    stopped = threading.Event()

    def go_on() -> None:
        for seq in count():
            one = frame("North", seq, [seq], [[load(1), load(1)]], run="feed")
            send(broker, [("grid_measurements", 0, one)])
            finish(broker, group, "grid_measurements", but=1)
            if stopped.is_set():
                return

    feed = threading.Thread(target=go_on)
    feed.start()
    try:
        yield
    finally:
        stopped.set()
        feed.join()


@pytest.mark.parametrize("feed_goes_on", [False, True])
def test_workers_that_have_caught_up_are_not_waited_for_and_what_was_lost_is_named(
    command, broker, worker, monkeypatch, feed_goes_on
):
    frames = [msgspec.structs.replace(f, run="holes") for f in evening()]
    expected = recompute(frames, GRID, SETTINGS)
    observed = echo(expected)
    observed.windows["linear"] = observed.windows["linear"][:2]
    send(broker, of_run(frames, expected, observed))
    headers = [("topic", b"stress_events"), ("stage", b"propagation_linear"), ("reason", b"lost")]
    headers += [("partition", b"1"), ("offset", b"7"), ("upto", b"12")]
    send(broker, [("dead_letters", 0, b"", *headers)])
    monkeypatch.setenv("GRIDSTRESS_GROUP", "holes")
    finish(broker, "holes", "grid_measurements")
    api = worker("holes", expected)
    api.applied["North"] = 3
    with feed_of_another_run(broker, "holes") if feed_goes_on else nullcontext():
        result = command("verify", "--run", "holes", "--api", api.url, "--wait", "10", "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)["outcomes"]
    notes = "\n".join(found["measurements"]["notes"])
    assert "the workers have read what lay there: linear shard 0 at row 3 of 6" in notes
    assert "stress_events 1/7 to before 12: a dead letter says lost" in notes
    assert found["linear"]["counts"]["windows missing"] > 0


def test_no_worker_is_waited_for_if_asked(command, worker):
    """What workers have forgotten by now can still be verified."""
    api = worker("good")
    api.applied, api.closed_until_s = {}, None
    result = command("verify", "--run", "good", "--api", api.url, "--wait", "0", "--no-open")
    assert result.exit_code == 0, result.output
    assert "no worker was waited for" in result.output


def test_no_worker_at_all_says_what_to_do(command, runs):
    result = command("verify", "--run", "good", "--api", "http://127.0.0.1:1")
    assert isinstance(result.exception, GridstressError)
    assert "--no-open" in result.exception.hint


def test_a_missing_run_lists_those_that_exist(command, runs):
    result = command("verify", "--run", "nope")
    assert isinstance(result.exception, DataError)
    assert all(name in result.exception.hint for name in ("good", "bad", "open"))


def test_another_number_of_partitions_is_named_from_missing_windows(command, runs, monkeypatch):
    monkeypatch.setenv("GRIDSTRESS_PARTITIONS", "4")
    result = command("verify", "--run", "good", "--no-open", "--api", "http://127.0.0.1:1")
    assert isinstance(result.exception, DataError)
    assert "GRIDSTRESS_PARTITIONS=2" in result.exception.hint


def test_measurements_may_come_from_a_file_and_episodes_go_to_one(command, runs, tmp_path):
    lines = tmp_path / "frames.jsonl"
    frames = [msgspec.structs.replace(f, run="good") for f in evening()]
    frames.insert(3, frame("North", 7, [2], [[load(9), load(9)]], run="good"))
    lines.write_bytes(b"\n".join(encode(f) for f in frames))
    written = []
    for run in ("good", "bad"):
        out = tmp_path / f"{run}.json"
        args = ["--no-open", "--api", "http://127.0.0.1:1", "--episodes", str(out)]
        source = ["--frames", str(lines)] if run == "good" else ["--run", run]
        result = command("verify", *source, *args)
        assert result.exit_code == int(run == "bad"), result.output
        written.append(json.loads(out.read_text()))
    assert len(written[0]) == 6
    (changed,) = [e for e in written[0] if e not in written[1]]
    assert changed["node_id"] == "a"


def test_episodes_that_cannot_be_written_are_an_error_behind_the_verdict(command, runs, tmp_path):
    args = ["--no-open", "--api", "http://127.0.0.1:1", "--episodes", str(tmp_path / "no" / "x")]
    result = command("verify", "--run", "good", *args)
    assert "equal: nothing is missing" in result.output
    assert isinstance(result.exception, DataError)
    assert str(result.exception).endswith("/no/x: cannot be written: No such file or directory")


def test_a_run_of_a_file_that_is_still_being_sent_is_not_compared(
    command, broker, worker, monkeypatch, tmp_path
):
    """The workers have finished what lies there, but more is in the file than was sent."""
    frames = [msgspec.structs.replace(f, run="going") for f in evening()]
    lines = tmp_path / "frames.jsonl"
    lines.write_bytes(b"\n".join(encode(f) for f in frames))
    expected = recompute(frames, GRID, SETTINGS)
    send(broker, [("grid_measurements", 0, frames[0])])
    monkeypatch.setenv("GRIDSTRESS_GROUP", "going")
    finish(broker, "going", "grid_measurements")
    api = worker("going", expected)
    api.applied, api.closed_until_s = {"North": 3}, None
    args = ("verify", "--frames", str(lines), "--api", api.url, "--wait", "3")
    record = run_record("going")
    send(broker, [("runs", 0, record)])
    running = command(*args)
    assert isinstance(running.exception, GridstressError)
    assert "is the run still being sent?" in running.exception.hint
    send(broker, [("runs", 0, msgspec.structs.replace(record, state="interrupted"))])
    interrupted = command(*args)
    assert interrupted.exit_code == 1, interrupted.output
    assert "windows missing" in interrupted.output or "is missing" in interrupted.output


def test_a_bad_line_in_the_file_is_named(command, tmp_path):
    lines = tmp_path / "frames.jsonl"
    lines.write_text("\n{}\n")
    result = command("verify", "--frames", str(lines))
    assert isinstance(result.exception, DataError)
    assert "frames.jsonl line 2" in str(result.exception)


def test_alerts_are_listed_in_the_order_they_happened(command, runs):
    result = command("alerts", "--run", "good")
    lines = result.stdout.splitlines()
    assert len(lines) == 7
    assert lines == sorted(lines, key=lambda line: line[:20])
    assert "RAISED" in lines[2]
    assert "from a 71%, c 29%" in lines[2]


def test_alerts_can_be_of_one_level_and_as_json(command, runs):
    result = command("alerts", "--run", "good", "--level", "high", "--json")
    levels = {json.loads(line)["level"] for line in result.stdout.splitlines()}
    assert levels == {"HIGH"}


def test_no_alerts_is_said(command, runs):
    result = command("alerts", "--run", "good", "--level", "critical")
    assert result.stdout == ""
    assert "no CRITICAL alerts of run good" in result.stderr


def test_alerts_of_a_run_that_is_not_there_are_an_error(command, runs):
    result = command("alerts", "--run", "nowhere")
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith("no run 'nowhere' in grid_measurements at ")
    assert "good" in result.exception.hint


def test_a_zone_in_two_partitions_is_named_in_one_line(command, broker, worker):
    frames = [msgspec.structs.replace(f, run="split") for f in evening()]
    expected = recompute(frames, GRID, SETTINGS)
    records = of_run(frames, expected, echo(expected))
    at = next(i for i, (topic, _, f) in enumerate(records) if f.zone == "North" and f.final)
    records[at] = ("grid_measurements", 1, records[at][2])
    send(broker, records)
    result = command("verify", "--run", "split", "--api", worker("split", expected).url)
    assert isinstance(result.exception, DataError)
    assert str(result.exception).endswith("so that their order is not known: zone North in 0, 1")
