"""Pages with pictures by axe-core: a gallery, near-duplicates, one picture large, and the form for a dataset opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.serving import Caller
from tests.api.test_inspections import published
from tests.console.conftest import PATIENCE_MS, enter
from tests.console.test_accessibility import looked_at
from tests.console.test_gallery import drawn, images
from tests.ingest.archives import zipped
from tests.ingest.inspection.test_inspection import png, resaved, split_set

pytestmark = pytest.mark.slow


def test_pages_with_pictures_have_no_violation_and_do_not_overflow(page: Page, ours: Caller, tmp_path: Path):
    faults: list[str] = []
    for task in ("segmentation", "detection"):
        (tmp_path / task).mkdir()
        version = drawn(ours, tmp_path / task, task)
        enter(page, ours, f"datasets/{version.dataset_id}")
        images(page)
        faults += looked_at(page, task)
        images(page).get_by_role("button").first.click()
        faults += looked_at(page, f"{task}-large", whole=False)
        page.keyboard.press("Escape")
    (tmp_path / "twins").mkdir()
    files = split_set() | {"test/a/copy.jpg": resaved(3), "train/b/torn.png": png(70)[:300]}
    version = published(ours, zipped(files), tmp_path / "twins")
    page.goto(f"/ui/#/datasets/{version.dataset_id}")
    page.get_by_label("Show", exact=True).select_option("leak")
    expect(page.get_by_role("list", name="Pair 1").get_by_role("img").first).to_be_visible(timeout=PATIENCE_MS)
    faults += looked_at(page, "twins")
    page.goto("/ui/#/datasets/new")
    page.get_by_text("How to read it").click()
    faults += looked_at(page, "upload-open")
    assert faults == [], "\n".join(faults)
