"""Make ``docs/demo/winter-week.html``: a winter week of the bundled year, as one page.

    python -m scripts.demo

A broker, a worker and an archive of its own work the week off, `gridstress verify` finds the
archived run equal, and `gridstress export` writes the page. Takes half a minute.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness.brokers import embedded_broker
from tests.integration.harness import CHECKOUT, Stack, wait_for

PAGE = CHECKOUT / "docs" / "demo" / "winter-week.html"
RUN = "winter-week"


def main() -> int:
    """Make the page; 1 if the run does not verify."""
    with tempfile.TemporaryDirectory() as directory, embedded_broker() as broker:
        archive = Path(directory) / "archive"
        environment = {"GRIDSTRESS_ARCHIVE_DIR": str(archive)}
        with Stack(broker.bootstrap, Path(directory), environment) as stack:
            stack.add_worker()
            stack.start("archive")
            # A day before, so that the first window shown is a whole one.
            span = ("--start", "2025-01-12", "--until", "2025-01-20", "--speed", "max")
            _done(stack.command("replay", "--run", RUN, *span))
            stack.verify(RUN)
            wait_for(
                lambda: stack.command("verify", "--archive", RUN).returncode == 0,
                "the archive has all of it",
            )
            shown = ("--from", "2025-01-13T00:00Z", "--to", "2025-01-20T00:00Z")
            PAGE.parent.mkdir(exist_ok=True)
            _done(stack.command("export", RUN, *shown, "--html", str(PAGE)))
    sys.stdout.write(f"{PAGE.relative_to(CHECKOUT)}: {PAGE.stat().st_size:,} bytes\n")
    return 0


def _done(command: "subprocess.CompletedProcess[str]") -> None:
    if command.returncode:
        sys.exit(command.stderr)


if __name__ == "__main__":
    sys.exit(main())
