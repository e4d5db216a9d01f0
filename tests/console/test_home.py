"""Home: the first steps of an empty service, and what failed."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from contract.child.messages import JobError
from core.database.database import transaction
from core.jobs import ledger
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from worker.tasks.turn import run_next


def test_an_empty_service_makes_a_dataset_of_the_demos_data_in_one_click(page: Page, ours: Caller):
    enter(page, ours)
    expect(page.get_by_text("1,797 scans of handwritten digits")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Use the demo's data").click()
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    version = ours.get("/v1/datasets/digits/versions/1").json()
    run_next("ingest", version["id"])
    expect(page.get_by_role("link", name="Train on it")).to_be_visible(timeout=PATIENCE_MS)
    assert ours.get("/v1/datasets/digits/versions/1").json()["splits"] == {"train": 100, "val": 100, "test": 1597}
    page.goto("/ui/#/")
    expect(page.get_by_text("Your dataset is here")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Use the demo's data")).to_have_count(0)


def test_a_failed_job_says_why_and_leads_to_its_page(page: Page, ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version, name="too large")
    error = JobError(
        code="out_of_memory",
        category="resource",
        retryable=False,
        message="The device ran out of memory.",
        remediation="Set a smaller batch.",
    )
    with transaction() as session:
        ledger.end(session, claim, "failed", reason="made so", error=error)
    enter(page, ours)
    failure = page.get_by_role("listitem").filter(has_text="The device ran out of memory.")
    expect(failure).to_contain_text("Set a smaller batch.", timeout=PATIENCE_MS)
    failure.get_by_role("link", name="too large").click()
    page.wait_for_url(re.compile(f"#/jobs/{job.id}"))
