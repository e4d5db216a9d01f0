"""Pages that stay open: through an api that dies again and again, and twenty of them at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller, caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.servers.api import ApiServer
from tests.worker import seed

KILLS = 5
LIVE_SECONDS = 5.0
TABS = 20

pytestmark = pytest.mark.slow


@pytest.fixture
def mortal(database: str, tmp_path: Path) -> Iterator[ApiServer]:
    api = ApiServer(tmp_path)
    api.start()
    yield api
    api.stop()


def test_a_job_page_shows_every_event_once_over_five_kills_of_the_api(chromium: Browser, mortal: ApiServer):
    ours = caller(mortal.url, "ours")
    job, claim = made.running_job(seed.version(ours.tenant_id))
    context = chromium.new_context(base_url=mortal.url)
    page = context.new_page()
    enter(page, ours, f"jobs/{job.id}")
    made.events(claim, 3)
    shown = page.get_by_role("list", name="Events").get_by_role("listitem")
    notices = shown.filter(has_text="notice")
    expect(notices).to_have_count(3, timeout=PATIENCE_MS)
    late = []
    for kill in range(KILLS):
        mortal.kill()
        made.events(claim, 2)  # the worker lives on
        page.wait_for_timeout(500)
        mortal.start()
        returned = time.monotonic()
        made.events(claim, 1)
        expect(notices).to_have_count(3 + 3 * (kill + 1), timeout=PATIENCE_MS)
        late.append(time.monotonic() - returned)
    seqs = shown.evaluate_all("events => events.map(event => event.value)")
    assert seqs == list(range(len(seqs), 0, -1))
    assert len(seqs) == ours.get(f"/v1/jobs/{job.id}").json()["latest_event_seq"]
    assert max(late) <= LIVE_SECONDS, late
    print("live again after", [round(seconds, 1) for seconds in late])
    context.close()


def test_twenty_tabs_are_live_on_one_connection(page: Page, ours: Caller, version: DatasetVersion):
    _, claim = made.running_job(version)
    streams: list[str] = []

    def on_request(request: Request) -> None:
        if "/v1/events/stream" in request.url:
            streams.append(request.url)

    page.context.on("request", on_request)
    enter(page, ours, "jobs")
    tabs = [page, *(page.context.new_page() for _ in range(TABS - 1))]
    for tab in tabs[1:]:
        tab.goto("/ui/#/jobs")
        expect(tab.get_by_role("row").filter(has_text="running")).to_be_visible(timeout=PATIENCE_MS)
    _live(tabs, claim, 0.25)
    assert len(streams) == 1
    page.close()  # the one that read for all
    _live(tabs[1:], claim, 0.5)
    assert len(streams) == 2


def _live(tabs: list[Page], claim: made.Claim, fraction: float) -> None:
    made.progress(claim, fraction=fraction, updated_at=f"2026-01-01T00:00:00.{int(1000 * fraction)}Z")
    for tab in tabs:
        expect(tab.get_by_role("row").filter(has_text=f"{100 * fraction:.1f} %")).to_be_visible(timeout=PATIENCE_MS)
