"""How long ``gridstress up`` takes for a new user: until all is healthy, and to the first alarm."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import browser
from bench.harness.test_bed import CHECKOUT
from gridstress.local.processes import free_port
from topology.errors import GridstressError

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRODUCT = ("gridstress", "agents", "tables", "ui", "topology")
PATIENCE_S = 300.0
ALARM_SEEN = "() => Number(document.querySelector('#kpi-alarms')?.textContent) >= 1"


@dataclass(frozen=True)
class Up:
    """Seconds from the start of ``gridstress up --broker embedded``, as the quick start has it.

    Attributes
    ----------
    healthy_s
        To its end: broker, worker, archive, dashboard and replay are healthy.
    alarm_s
        Until the dashboard, opened by then in a browser that runs already, shows an alarm; None
        without Chromium.
    """

    healthy_s: float
    alarm_s: float | None


def bring_up(home: Path) -> Up:
    """Start everything from a copy of the checkout, and stop it.

    Parameters
    ----------
    home
        A directory of its own for the copy, so that the state of a gridstress that runs here, and
        its archive, stay untouched.

    Raises
    ------
    GridstressError
        If something does not become healthy, or a command does not end.
    """
    for package in PRODUCT:
        shutil.copytree(CHECKOUT / package, home / package)
    # By this file it knows the directory for a checkout, whose files it may use.
    shutil.copy(CHECKOUT / "pyproject.toml", home)
    ui_port = free_port()
    environment = {
        "PYTHONPATH": str(home),
        "GRIDSTRESS_BROKER": f"kafka://127.0.0.1:{free_port()}",
        "GRIDSTRESS_WEB_PORT": str(free_port()),
        "GRIDSTRESS_UI_PORT": str(ui_port),
    }
    with _page() as page:
        began = time.monotonic()
        try:
            _gridstress(home, environment, "up", "--broker", "embedded")
            healthy_s, alarm_s = time.monotonic() - began, None
            if page is not None:
                _wait_for_alarm(page, f"http://127.0.0.1:{ui_port}")
                alarm_s = time.monotonic() - began
        finally:
            _gridstress(home, environment, "down")
    return Up(healthy_s, alarm_s)


@contextmanager
def _page() -> "Iterator[Page | None]":
    if browser.missing():
        yield None
        return
    with browser.launch() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(1000 * PATIENCE_S)
        yield page


def _wait_for_alarm(page: "Page", url: str) -> None:
    from playwright.sync_api import Error

    try:
        page.goto(url)
        page.wait_for_function(ALARM_SEEN)
    except Error as error:
        raise GridstressError(f"no alarm on the dashboard: {error.message}") from None


def _gridstress(
    home: Path, environment: dict[str, str], *words: str, timeout_s: float = PATIENCE_S
) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gridstress", *words],
            cwd=home,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GridstressError(
            f"gridstress {words[0]} did not end within {timeout_s:.0f} s"
        ) from None
    if done.returncode:
        raise GridstressError(f"gridstress {words[0]} failed: {done.stderr.strip()[-300:]}")
