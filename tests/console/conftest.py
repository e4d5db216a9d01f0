"""A browser whose pages ask no other host for anything and do nothing that their policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.api.conftest import ours, server, theirs, version  # noqa: F401 - fixtures
from tests.api.serving import Caller, Server
from tests.servers import debian

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Playwright keeps an event loop running in this thread, which other tests must not find."""
    debian.install({"chromium": "chromium"})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(debian.find("chromium")), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:  # noqa: F811
    """Fails the test where the page asks another host, is stopped by its policy, or throws."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(PATIENCE_MS)
    found, foreign, forbidden = context.new_page(), [], []
    own = urlsplit(server.url).netloc

    def on_request(request: Request) -> None:
        if urlsplit(request.url).netloc not in ("", own):
            foreign.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            forbidden.append(message.text)

    found.on("request", on_request)
    found.on("console", on_console)
    found.on("pageerror", lambda error: forbidden.append(str(error)))
    yield found
    context.close()
    assert (foreign, forbidden) == ([], [])


def enter(page: Page, ours: Caller, path: str = "") -> None:  # noqa: F811
    page.goto(f"/ui/#login={ours.post('/v1/sessions/links').json()['secret']}")
    expect(page.get_by_role("button", name="Log out")).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"/ui/#/{path}")
