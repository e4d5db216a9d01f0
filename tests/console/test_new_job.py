"""The form that starts a training: what the default fills in, what a person changes, and what is then sent."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from playwright.sync_api import Locator, Page, expect

from core.database.database import transaction
from core.tables import Dataset, DatasetVersion
from tests.api.serving import Caller, Server, caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.worker import seed

CHECKED = re.compile(r"/v1/jobs/validate$")
BOXES = seed.MANIFEST.model_copy(
    update={"task": "detection", "channels": 3, "mean": [0.5] * 3, "std": [0.25] * 3, "median_size": (96, 96)}
    | {"image_size": (96, 96), "pairability": None}
)


def test_the_default_is_filled_in_and_explained(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("100", timeout=PATIENCE_MS)
    expect(page.get_by_label("Architecture")).to_have_value("")
    assert chosen(page, "Architecture") == "resnet20 (default)"
    expect(page.get_by_role("region", name="Why these defaults")).to_contain_text("Images of 8 px are too small")
    expect(row(page, "Epochs")).to_contain_text("chosen for this dataset")
    expect(page.get_by_role("region", name="Estimate")).to_contain_text(re.compile(r"about .* of memory.*Basis:", re.S))
    assert described_by(page.get_by_label("Image size", exact=True)).startswith("Pixels, one number or [height, width].")


def opened(page: Page, ours: Caller, version: DatasetVersion) -> None:
    enter(page, ours, f"jobs/new?dataset={version.dataset_id}")
    expect(page.get_by_role("region", name="Estimate")).to_be_visible(timeout=PATIENCE_MS)


def row(page: Page, label: str) -> Locator:
    return page.locator(".field").filter(has=page.get_by_label(label, exact=True))


def chosen(page: Page, label: str) -> str:
    return str(page.get_by_label(label).evaluate("select => select.selectedOptions[0].textContent"))


def described_by(control: Locator) -> str:
    return str(control.evaluate("one => document.getElementById(one.getAttribute('aria-describedby').split(' ')[0]).textContent"))
