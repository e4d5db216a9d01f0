"""Logging in and out, what pages show, and what they must never do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core.database.database import transaction
from core.tables import Dataset, DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.worker import seed

HOSTILE = "<img src=x onerror=alert(1)>"


def test_a_link_logs_in_once_and_leaves_the_address(page: Page, ours: Caller):
    link = f"/ui/#login={ours.post('/v1/sessions/links').json()['secret']}"
    page.goto(link)
    expect(page.get_by_role("heading", name="Three steps to your first model")).to_be_visible(timeout=PATIENCE_MS)
    assert "login" not in page.url
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=PATIENCE_MS)
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("This link was used", timeout=PATIENCE_MS)


def test_a_key_logs_in_by_keyboard_alone_and_a_wrong_one_is_explained(page: Page, ours: Caller):
    page.goto("/ui/")
    page.get_by_label("API key").fill("psk_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This key is not valid", timeout=PATIENCE_MS)
    page.get_by_label("API key").fill(ours.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible(timeout=PATIENCE_MS)
    page.reload()
    expect(page.get_by_role("heading", name="Home")).to_be_visible(timeout=PATIENCE_MS)


def test_names_of_customers_stay_text(page: Page, ours: Caller, version: DatasetVersion):
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).name = HOSTILE
    seed.job(version, name=HOSTILE)
    enter(page, ours, "jobs")
    expect(page.get_by_role("link", name=HOSTILE)).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"/ui/#/datasets/{version.dataset_id}")
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator("img[src=x]").count() == 0


def test_a_job_is_paused_on_its_page(page: Page, ours: Caller, version: DatasetVersion):
    job = seed.job(version, name="photos")
    enter(page, ours, f"jobs/{job.id}")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE_MS)
    assert ours.get(f"/v1/jobs/{job.id}").json()["status"] == "paused"


def test_a_revoked_key_ends_the_page(page: Page, ours: Caller):
    enter(page, ours)
    key_id = ours.get("/v1/me").json()["key_id"]
    ours.delete(f"/v1/api_keys/{key_id}")
    page.goto("/ui/#/datasets")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=PATIENCE_MS)


def test_a_refused_clone_says_why_on_the_page_of_the_job(page: Page, ours: Caller, version: DatasetVersion):
    job = made.ended_job(version, "failed", name="photos")
    assert ours.delete(f"/v1/datasets/{version.dataset_id}").status_code < 300
    enter(page, ours, f"jobs/{job.id}")
    page.get_by_role("button", name="Train the same again").click()
    expect(page.get_by_role("alert")).to_contain_text("dataset", timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="photos")).to_be_visible()
