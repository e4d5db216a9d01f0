"""A dataset's page while its archive is read."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter


def test_a_dataset_that_was_read_before_its_version_was_ready_is_asked_again(
    page: Page, ours: Caller, version: DatasetVersion
):
    """The service reads two rows: in between, the version may become ready."""
    answers: list[str] = ["ingesting", "ready"]

    def between(route: Route) -> None:
        found = route.fetch().json()
        route.fulfill(json=found | {"status": answers.pop(0) if answers else "ready"})

    page.route(re.compile(f"/v1/datasets/{version.dataset_id}$"), between)
    enter(page, ours, f"datasets/{version.dataset_id}")
    expect(page.get_by_role("link", name="Train on it")).to_be_visible(timeout=PATIENCE_MS)
    assert answers == []
