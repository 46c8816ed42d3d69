"""Do what the image and the Compose file do, without Docker: install as the Dockerfile does, run.

    python -m scripts.image_steps [python3.13]

A directory of its own gets what the Dockerfile copies, and an environment by the very commands of
its build stage. From an empty directory, with the Compose file's settings, the worker and the
dashboard are started there, their health checks run, a day replayed, and the run verified. The
broker is the embedded one. What is copied is as committed last. Takes two minutes, most of it
pip's; ends with 1 if anything fails.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

import yaml

from bench.harness.brokers import embedded_broker
from gridstress.local.processes import free_port

ROOT = Path(__file__).parents[1]
DEADLINE_S = 60.0
DAY = ["--speed", "max", "--until", "2025-01-02", "--run", "image"]


def install(work: Path, python: str) -> Path:
    """Directory of the programs, installed by the commands of the build stage."""
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    command = ["git", "archive", "HEAD", *" ".join(copied).split()]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(files)) as archive:
        archive.extractall(work / "src", filter="data")
    subprocess.run([python, "-m", "venv", work / "venv"], check=True)
    for command in re.findall(r"/opt/venv/bin/pip install .+?(?= \\|$)", dockerfile, re.MULTILINE):
        here = command.replace("/opt/venv", str(work / "venv")).replace("install", "install -q", 1)
        subprocess.run(["sh", "-c", here], cwd=work / "src", check=True)
        print(f"ok    {command}")  # noqa: T201
    return work / "venv" / "bin"


def settings(given: dict[str, str | None], bootstrap: str, work: Path) -> dict[str, str]:
    """The Compose file's settings, with the addresses and paths that are right here."""
    web, ui = str(free_port()), str(free_port())
    return {name: value for name, value in given.items() if value is not None} | {
        "GRIDSTRESS_BROKER": f"kafka://{bootstrap}",
        "GRIDSTRESS_BROKER_KIND": "embedded",
        "GRIDSTRESS_DATA_DIR": str(work / "data"),
        "GRIDSTRESS_ARCHIVE_DIR": str(work / "archive"),
        "GRIDSTRESS_WEB_BIND": "127.0.0.1",
        "GRIDSTRESS_WEB_PORT": web,
        "GRIDSTRESS_UI_BIND": "127.0.0.1",
        "GRIDSTRESS_UI_PORT": ui,
        "GRIDSTRESS_API_URLS": f"http://127.0.0.1:{web}",
    }


def main(work: Path, python: str) -> None:
    """Install and run in `work`."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    programs, home = install(work, python), work / "home"
    home.mkdir()
    with embedded_broker() as broker:
        inside = settings(compose["worker"]["environment"], broker.bootstrap, work)
        ports = {"6066": inside["GRIDSTRESS_WEB_PORT"], "8050": inside["GRIDSTRESS_UI_PORT"]}
        environment = {"PATH": f"{programs}:{os.defpath}", "HOME": str(home), **inside}

        def until_fine(what: str, program: str, *rest: str) -> None:
            command = [program, *rest]
            deadline = time.monotonic() + DEADLINE_S
            while (done := subprocess.run(
                command, cwd=home, env=environment, capture_output=True, text=True, check=False
            )).returncode:  # fmt: skip
                if time.monotonic() > deadline:
                    sys.exit(f"FAIL  {what}: not within {DEADLINE_S:.0f} s\n{done.stderr}")
                time.sleep(1)
            print(f"ok    {what}")  # noqa: T201

        started = []
        try:
            for name in ("worker", "archive", "ui"):
                program, *rest = compose[name]["command"]
                command = [str(programs / program), *rest]
                with (work / f"{name}.log").open("wb") as log:
                    started.append(
                        subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
                    )
                _, *check = compose[name]["healthcheck"]["test"]
                here = {f":{inner}/": f":{port}/" for inner, port in ports.items()}
                here[compose["archive"]["environment"]["GRIDSTRESS_ARCHIVE_DIR"]] = inside[
                    "GRIDSTRESS_ARCHIVE_DIR"
                ]
                for there, replaced in here.items():
                    check = [word.replace(there, replaced) for word in check]
                until_fine(f"{name} is healthy", *check)
            until_fine("help", "gridstress", "--help")
            until_fine("a day is replayed", "gridstress", "replay", *DAY)
            until_fine("the run is as it should be", "gridstress", "verify", "--run", "image")
            until_fine("and archived", "gridstress", "verify", "--archive", "image")
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(DEADLINE_S)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gridstress-image-") as directory:
        main(Path(directory), sys.argv[1] if len(sys.argv) > 1 else sys.executable)
