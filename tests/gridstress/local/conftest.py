"""Stand-ins for the parts that `up` starts.

They lie in a checkout of their own, so that the launcher's own commands (``python -m faust``,
``python -m gridstress``) find them.
"""

import os
import textwrap
from pathlib import Path

import psutil
import pytest

from gridstress.local import processes
from gridstress.local.services import Place
from gridstress.settings import Settings
from tests.support.ports import free_ports

WORKER = """
import json, os, pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        runs = [{"run": "r"}] if pathlib.Path("replayed").exists() else []
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"runs": runs}).encode())

pathlib.Path("session").write_text(os.environ["GRIDSTRESS_SESSION_TIMEOUT_S"])
HTTPServer(("127.0.0.1", int(os.environ["GRIDSTRESS_WEB_PORT"])), Handler).serve_forever()
"""

COMMANDS = """
import os, pathlib, sys, time
from http.server import SimpleHTTPRequestHandler, HTTPServer

if sys.argv[1] == "ui":
    pathlib.Path("asks").write_text(os.environ["GRIDSTRESS_API_URLS"])
    port = int(os.environ["GRIDSTRESS_UI_PORT"])
    HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler).serve_forever()
if sys.argv[1] == "archive":
    home = pathlib.Path(os.environ["GRIDSTRESS_ARCHIVE_DIR"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "position.json").touch()
    time.sleep(600)
pathlib.Path("arguments").write_text(" ".join(sys.argv[1:]))
pathlib.Path("replayed").touch()
time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for package, code in (("faust", WORKER), ("gridstress", COMMANDS)):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(textwrap.dedent(code))
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, tmp_path / ".gridstress")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    first, ui = free_ports(3), processes.free_port()
    monkeypatch.setenv("GRIDSTRESS_UI_PORT", str(ui))
    return Settings(broker=f"kafka://localhost:{processes.free_port()}", web_port=first, ui_port=ui)


def nothing_left(place: Place) -> bool:
    there = [p.pid for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(place.checkout)]
    return set(there) <= {os.getpid()}
