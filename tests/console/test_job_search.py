"""The page Jobs: looked for by name, in either order."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.worker import seed


def test_jobs_are_found_by_name_and_sorted_by_age(page: Page, ours: Caller, version: DatasetVersion):
    for name in ("Shirts 1", "shirts 2", "hats"):
        seed.job(version, name=name)
    enter(page, ours, "jobs")
    rows = page.locator("table tbody tr").filter(has_text="queued")
    expect(rows).to_have_count(3, timeout=PATIENCE_MS)
    expect(rows.first).to_contain_text("hats")
    page.get_by_label("Name begins with").fill("shirts")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("shirts 2")
    page.get_by_label("Order").select_option(label="oldest first")
    expect(rows.first).to_contain_text("Shirts 1")
    seed.job(version, name="SHIRTS 3")
    expect(rows).to_have_count(3, timeout=PATIENCE_MS)
    expect(rows.last).to_contain_text("SHIRTS 3")
    page.get_by_label("Name begins with").fill("gloves")
    expect(page.get_by_text("No such job.")).to_be_visible()
