"""Take a picture of the running dashboard with Debian's chromium, driven by playwright.

python scripts/screenshot.py docs/images/dashboard.png --alarms 5 --node Wendlingen
"""

import argparse
import shutil
import sys
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> int:
    """Wait for the page to show what is asked for, then save it; 1 if it never does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="PNG to write")
    parser.add_argument("--url", default="http://127.0.0.1:8050")
    parser.add_argument("--size", default="1280x800", help="WIDTHxHEIGHT in px")
    parser.add_argument("--alarms", type=int, default=0, help="wait for so many active alarms")
    parser.add_argument("--node", default="", help="node to select, by the start of its name")
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait at most")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.stderr.write("error: there is no chromium\nhint: apt-get install chromium\n")
        return 1
    from playwright.sync_api import Error, sync_playwright

    width, height = (int(part) for part in options.size.split("x"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(options.wait * 1000)
        try:
            page.goto(options.url)
            page.wait_for_selector("#map .point")
            if options.node:
                page.click("#pick")
                page.keyboard.type(options.node)
                page.get_by_role("option").filter(has_text=options.node).first.click()
                page.wait_for_selector("#detail-values .number")
            page.wait_for_function(
                "least => Number(document.querySelector('#kpi-alarms').textContent) >= least",
                arg=options.alarms,
            )
            # The other panels follow within a moment.
            page.wait_for_timeout(600)
            page.mouse.move(width - 2, height - 2)
            page.screenshot(path=options.file)
        except Error as error:
            sys.stderr.write(f"error: {str(error).splitlines()[0]}\n")
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
