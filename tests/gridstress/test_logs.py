"""A worker's log, as Faust sets it up."""

import json
import logging
import subprocess
import sys

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from gridstress.logs import (
    SAID_AGAIN_S,
    Outages,
    WrittenOut,
    logging_config,
    printable,
    text_of,
    wants_json,
)

LOGS = """
import logging, sys
from mode.services import Service
from mode.utils.logging import setup_logging
from gridstress.logs import logging_config

setup_logging(loglevel=sys.argv[2], logging_config=logging_config(sys.argv[1], 6070))

class Table(Service):
    pass

Table().log.info("%s is ready", "it")
logging.getLogger("agents").warning("refused", extra={"run": "winter", "partition": 3})
try:
    {}["no"]
except KeyError:
    logging.getLogger("agents").exception("failed\\nbadly")
"""


def lines(log_format: str, level: str = "info") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOGS, log_format, level], capture_output=True, text=True, check=True
    )
    return (done.stdout + done.stderr).splitlines()


def test_each_record_is_an_object_with_what_it_is_about() -> None:
    ready, refused, failed = map(json.loads, lines("json"))
    assert (ready["level"], ready["message"]) == ("INFO", "[^Table]: it is ready")
    assert ready["timestamp"].endswith("+00:00")
    assert ready["worker"].endswith(":6070")
    assert (refused["run"], refused["partition"]) == ("winter", 3)
    assert (refused["level"], refused["logger"]) == ("WARNING", "agents")
    assert failed["traceback"].endswith("KeyError: 'no'")


def test_without_a_terminal_it_is_json_unless_text_is_wanted() -> None:
    assert json.loads(lines("auto")[0])
    assert "[INFO] [^Table]: it is ready" in lines("text")[0]
    assert not wants_json("text")
    assert logging_config("text", 6066) is None


def test_on_a_terminal_it_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert not wants_json("auto")
    assert wants_json("json")


def test_the_level_is_the_one_that_was_asked_for() -> None:
    assert [json.loads(line)["level"] for line in lines("json", "warn")] == ["WARNING", "ERROR"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"message": "no broker", "level": "ERROR"}', "no broker"),
        (
            '{"message": "failed", "traceback": "Trace\\n  x\\nKeyError: 1\\n"}',
            "failed: KeyError: 1",
        ),
        ("[ERROR] as it is", "[ERROR] as it is"),
        ("{not json", "{not json"),
        ('{"no": "message"}', '{"no": "message"}'),
    ],
)
def test_a_line_of_either_kind_is_shown_as_text(line: str, text: str) -> None:
    assert text_of(line) == text


def test_the_kafka_client_complains_once_in_a_while() -> None:
    now = 0.0
    outages = Outages(clock=lambda: now)

    def shown(text: str, level: int = logging.ERROR, name: str = "aiokafka.conn") -> bool:
        return outages.filter(logging.LogRecord(name, level, "", 0, text, (), None))

    assert [shown("no node %s"), shown("no node %s"), shown("no fetch")] == [True, False, True]
    assert [shown("no node %s", logging.INFO), shown("no node %s", name="agents")] == [True, True]
    now = SAID_AGAIN_S
    assert [shown("no node %s"), shown("no node %s")] == [True, False]


def test_another_cause_of_the_same_complaint_is_shown():
    outages = Outages(clock=lambda: 0.0)

    def shown(cause: Exception) -> bool:
        text = "Unable connect to node with id %s: %s"
        return outages.filter(
            logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, (1, cause), None)
        )

    refused = KafkaConnectionError("refused")
    assert [shown(refused), shown(SaslAuthenticationFailed("bob")), shown(refused)] == [
        True,
        True,
        False,
    ]


def test_what_a_terminal_would_obey_is_written_out():
    obeyed = "winter\x1b]0;title\x07 \x9b2J\u202e\r\n"
    assert printable(obeyed) == r"winter\x1b]0;title\x07 \x9b2J\u202e\r\n"
    assert printable("Zürich 1") == "Zürich 1"


def test_no_name_in_a_record_of_ours_commands_the_terminal():
    def shown(name: str) -> str:
        record = logging.LogRecord(
            name, logging.INFO, "", 0, "run %s ends at 100%%", ("\x1b[2J",), None
        )
        assert WrittenOut().filter(record)
        return record.getMessage()

    assert shown("agents.kept_runs") == r"run \x1b[2J ends at 100%"
    assert shown("faust.app") == "run \x1b[2J ends at 100%"  # its own tables are coloured
