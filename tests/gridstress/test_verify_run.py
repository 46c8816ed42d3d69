"""The whole command against a real (embedded) broker; the workers' API is played by a server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from gridstress.brokers import embedded_broker
from gridstress.cli.alerts import alerts
from gridstress.cli.verify import verify
from gridstress.topic_reader import read_topic
from gridstress.verify.compare_aside import AsideLetter
from gridstress.verify.recompute import Recomputed, recompute
from tests.gridstress.verify_broker import Worker, create, finish, of_run, send
from tests.gridstress.verify_samples import (
    GRID,
    HOUR,
    SETTINGS,
    echo,
    evening,
    frame,
    load,
    unfinished,
)
from topology.errors import DataError, GridstressError
from topology.messages import encode

pytestmark = pytest.mark.integration
RESULTS = [f"risk_{kind}_{m}" for kind in ("windows", "alerts") for m in ("linear", "centrality")]
TOPICS = ["grid_measurements", "dead_letters", *RESULTS]
runner = CliRunner()


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as running:
        asyncio.run(create(running.bootstrap, TOPICS))
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
        said = echo(expected)
        if name == "bad":
            alert = said.alerts["linear"][0]
            said.alerts["linear"][0] = msgspec.structs.replace(alert, risk_score=0.69)
        send(broker, of_run(frames, expected, said))
        made[name] = expected
    return made


def letters_about(broker: str, run: str, *, leave_out: bytes | None = None) -> list[tuple]:
    """A letter for every record of the topic that is of no zone, or of no run."""
    reasons = {b"West": b"unknown-zone", b"rubbish": b"invalid"}
    letters = []
    for record in asyncio.run(read_topic(broker, "grid_measurements")):
        for mark, reason in reasons.items():
            if mark in record.value and (mark != b"West" or run.encode() in record.value):
                headers = [("topic", b"grid_measurements"), ("stage", b"detection")]
                headers += [("partition", b"%d" % record.partition), ("reason", reason)]
                headers += [("offset", b"%d" % record.offset)]
                if mark != leave_out:
                    letters.append(("dead_letters", 0, record.value, *headers))
    return letters


@pytest.fixture
def command(broker, monkeypatch):
    """Runs `verify` or `alerts` with the broker and the grid of the samples."""
    monkeypatch.setenv("GRIDSTRESS_BROKER", f"kafka://{broker}")
    for name in ("step_s", "size_s", "lateness_s", "partitions"):
        monkeypatch.setenv(f"GRIDSTRESS_{name.upper()}", str(getattr(SETTINGS, name)))
    monkeypatch.setattr("topology.loaders.load_grid", lambda _: GRID)
    app = typer.Typer()
    app.command()(verify)
    app.command()(alerts)

    def invoke(*args: str):
        return runner.invoke(app, list(args))

    return invoke


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


def test_a_good_run_is_equal_and_the_counts_are_told(command, worker):
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
    assert "nobody was waited for" in result.output


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
    """A late row comes behind the last one that counts, and its letters take a moment."""
    late = frame("North", 7, [2], [[load(9), load(9)]])
    frames = [msgspec.structs.replace(f, run="slow") for f in (*evening(), late)]
    expected = recompute(frames, GRID, SETTINGS)
    records = of_run(frames, expected, echo(expected))
    letters = [record for record in records if record[0] == "dead_letters"]
    send(broker, [record for record in records if record not in letters])
    api = worker("slow", expected)
    api.applied["North"] = 6

    def go_on() -> None:
        send(broker, letters)
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
    said = echo(expected)
    said.windows["linear"] = said.windows["linear"][:2]
    send(broker, of_run(frames, expected, said))
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


def test_nobody_is_waited_for_if_told_so(command, worker):
    """What workers have forgotten by now can still be verified."""
    api = worker("good")
    api.applied, api.closed_until_s = {}, None
    result = command("verify", "--run", "good", "--api", api.url, "--wait", "0", "--no-open")
    assert result.exit_code == 0, result.output
    assert "nobody was waited for" in result.output


def test_no_worker_at_all_says_what_to_do(command):
    result = command("verify", "--run", "good", "--api", "http://127.0.0.1:1")
    assert isinstance(result.exception, GridstressError)
    assert "--no-open" in result.exception.hint


def test_a_missing_run_lists_those_that_exist(command):
    result = command("verify", "--run", "nope")
    assert isinstance(result.exception, DataError)
    assert all(name in result.exception.hint for name in ("good", "bad", "open"))


def test_another_number_of_partitions_is_told_apart_from_missing_windows(command, monkeypatch):
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


def test_letters_of_before_a_reshard_are_left_out(command, broker, worker):
    """Rows that had become dead letters are counted when the run is recomputed."""
    frames = [msgspec.structs.replace(f, run="anew") for f in evening()]
    expected = recompute(frames, GRID, SETTINGS)
    said = echo(expected)
    said.aside = [AsideLetter("linear", 0, "North", "late", (3,))]
    former = [("dead_letters", 1, *rest) for t, _, *rest in of_run(frames, expected, said)
              if t == "dead_letters"]  # fmt: skip
    failed = [("topic", b"propagated_stress_linear"), ("reason", b"failed"), ("stage", b"risk")]
    failed += [("partition", b"0"), ("offset", b"3")]
    former.append(("dead_letters", 1, former[0][2], *failed))
    said.aside = []
    send(broker, [*of_run(frames, expected, said), *former])
    args = ("verify", "--run", "anew", "--api", worker("anew", expected).url, "--json")
    before = command(*args)
    assert before.exit_code == 1
    send(broker, [("dead_letters", 1, b"", ("stage", b"reshard"), ("reason", b"resharded"))])
    after = command(*args)
    assert after.exit_code == 0, after.output
    notes = json.loads(after.stdout)["outcomes"]["measurements"]["notes"]
    assert "dead letters of before `gridstress reshard` are left out" in notes
    send(broker, former)
    assert command(*args).exit_code == 1


def with_refused(broker: str, run: str):
    """Send a run with a frame of an unknown zone, and rubbish that names no run."""
    frames = [*evening(), frame("West", 0, [0], [[1.0]], nodes=["a"])]
    frames = [msgspec.structs.replace(f, run=run) for f in frames]
    expected = recompute(frames, GRID, SETTINGS)
    send(broker, [*of_run(frames, expected, echo(expected)), ("grid_measurements", 1, b"rubbish")])


def test_every_refused_record_must_have_its_letter(command, broker, runs):
    with_refused(broker, "refused")
    args = ("verify", "--run", "refused", "--no-open", "--api", "http://127.0.0.1:1", "--json")
    lacking = command(*args)
    problems = json.loads(lacking.stdout)["outcomes"]["measurements"]["problems"]
    assert lacking.exit_code == 1
    assert len(problems) == 2
    assert all("cannot be used, but has no dead letter" in text for text in problems)

    send(broker, letters_about(broker, "refused", leave_out=b"rubbish"))
    (problem,) = json.loads(command(*args).stdout)["outcomes"]["measurements"]["problems"]
    assert "not JSON" in problem

    letters = letters_about(broker, "refused")
    send(broker, letters)
    whole = command(*args)
    assert whole.exit_code == 0, whole.output
    counts = json.loads(whole.stdout)["outcomes"]["measurements"]["counts"]
    assert (counts["letters found"], counts["records of no run"]) == (2, 1)

    good = next(
        (record.partition, record.offset, record.value)
        for record in asyncio.run(read_topic(broker, "grid_measurements"))
        if b"refused" in record.value
    )
    headers = [("partition", b"%d" % good[0]), ("offset", b"%d" % good[1])]
    headers += [("topic", b"grid_measurements"), ("stage", b"detection"), ("reason", b"failed")]
    send(broker, [("dead_letters", 0, good[2], *headers)])
    extra = command(*args)
    assert extra.exit_code == 1
    (problem,) = json.loads(extra.stdout)["outcomes"]["measurements"]["problems"]
    assert "can be used, but its dead letter says failed" in problem
