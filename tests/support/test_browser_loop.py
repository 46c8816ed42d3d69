"""A browser that is open does not keep asynchronous tests from running after its own."""

import asyncio
from typing import Any

import pytest

from tests.support.browser import expect


def shows(chromium: Any, text: str) -> None:
    page = chromium.new_page()
    page.set_content(f"<p>{text}</p>")
    expect(page.locator("p")).to_have_text(text)
    page.close()


@pytest.mark.browser
def test_a_page_is_opened(chromium: Any) -> None:
    shows(chromium, "one")


async def test_an_asynchronous_test_runs_while_it_is_open() -> None:
    await asyncio.sleep(0)


@pytest.mark.browser
def test_the_same_browser_goes_on(chromium: Any) -> None:
    shows(chromium, "two")


async def test_it_is_closed_after_an_asynchronous_test() -> None:
    assert asyncio.get_running_loop().is_running()
