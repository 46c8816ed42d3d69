"""Take a picture of every page of the running dashboard, for the docs.

gridstress up
python -m scripts.screenshot --alarms 5
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness.browser import launch, missing
from tests.support.browser import still

SIZE = {"width": 1600, "height": 1000}
LARGE_KB = 350


@dataclass(frozen=True)
class Picture:
    """A file name, the page's address (``{node}`` is the node shown) and what must be seen.

    ``busy``: its maps must show the letters of some alarms, too.
    """

    name: str
    path: str
    wanted: tuple[str, ...]
    scheme: str = "light"
    busy: bool = False


OVERVIEW = ("#map .point", "#top .ag-row", "#detail-values .number")
PICTURES = (
    Picture("dashboard", "/?model=linear&node={node}", OVERVIEW, busy=True),
    Picture("dashboard-dark", "/?model=linear&node={node}", OVERVIEW, "dark", busy=True),
    Picture("side-by-side", "/?model=both", ("#map .point", "#map-second .point"), busy=True),
    Picture(
        "compare",
        "/compare",
        ("#compare-scatter .point", "#compare-history .js-line"),
        busy=True,
    ),
    Picture("alarms", "/alarms", (".alarms-table .ag-row",)),
    Picture("node", "/node/{node}", ("#node-history .js-line", "#node-neighbours a")),
    Picture("system", "/system", ("#system-workers-table tbody tr", "#system-settings .ag-row")),
)


def main() -> int:
    """Save one PNG a page, each once there are alarms; 1 if a page never shows what it should."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", nargs="*", help="pictures to take: " + ", ".join(names()))
    parser.add_argument("--url", default="http://127.0.0.1:8050")
    parser.add_argument("--to", type=Path, default=Path("docs/images"), help="folder to write to")
    parser.add_argument("--alarms", type=int, default=1, help="wait for so many active alarms")
    parser.add_argument("--node", help="id of the node to show; else the one with most risk")
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait at most")
    options = parser.parse_args()
    if unknown := set(options.only) - set(names()):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    if lack := missing():
        sys.stderr.write(f"error: {lack}\n")
        return 1
    from playwright.sync_api import Error

    options.to.mkdir(parents=True, exist_ok=True)
    with launch() as browser:
        try:
            for picture in PICTURES:
                if not options.only or picture.name in options.only:
                    busiest = wait_for_alarms(browser, options.url, options.alarms, options.wait)
                    file = options.to / f"{picture.name}.png"
                    address = options.url + picture.path.format(node=options.node or busiest)
                    take(browser, picture, address, file, options.wait, options.alarms)
                    size_kb = file.stat().st_size / 1000
                    note = "" if size_kb < LARGE_KB else f": more than {LARGE_KB} kB"
                    sys.stdout.write(f"{file} {size_kb:.0f} kB{note}\n")
        except Error as error:
            sys.stderr.write(f"error: {str(error).splitlines()[0]}\n")
            return 1
    return 0


def names() -> list[str]:
    """The pictures' names, in the order they are taken."""
    return [picture.name for picture in PICTURES]


def wait_for_alarms(browser: Any, url: str, least: int, wait_s: float) -> str:
    """Id of the node with the highest risk, once so many alarms are active."""
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(1000 * wait_s)
    page.goto(url)
    page.wait_for_function(
        "least => Number(document.querySelector('#kpi-alarms')?.textContent) >= least", arg=least
    )
    first = page.locator('#top .ag-center-cols-container .ag-row[row-index="0"]')
    found = str(first.get_attribute("row-id"))
    page.close()
    return found


def take(
    browser: Any, picture: Picture, address: str, file: Path, wait_s: float, alarms: int
) -> None:
    """Save one page as a PNG, once all that must be seen is there and stands still."""
    page = browser.new_page(viewport=SIZE, color_scheme=picture.scheme)
    page.set_default_timeout(1000 * wait_s)
    page.goto(address)
    for selector in picture.wanted:
        page.wait_for_selector(selector, state="attached")
    if picture.busy:
        letters = "least => document.querySelectorAll('.textpoint').length >= least"
        page.wait_for_function(letters, arg=alarms)
    else:
        still(page, counter(page), wait_s)
    page.mouse.move(SIZE["width"] - 2, SIZE["height"] - 2)
    page.screenshot(path=file)
    page.close()


def counter(page: Any) -> Callable[[], int]:
    """Ask how much is drawn."""
    return lambda: int(page.evaluate("() => document.querySelectorAll('#root *').length"))


if __name__ == "__main__":
    sys.exit(main())
