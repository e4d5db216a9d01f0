"""Every page by axe-core: light, dark, wide, 320 px. PATCHSWAP_SHOTS=folder keeps pictures."""

from __future__ import annotations

import os
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.console.filled import fill

AXE = files("axe_playwright_python") / "axe.min.js"
VARIANTS = [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")]
SETTLED_MS = 1_200

pytestmark = pytest.mark.slow


def test_no_page_has_a_violation_or_overflows(page: Page, ours: Caller, version: DatasetVersion):
    filled = fill(ours, version)
    enter(page, ours)
    faults: list[str] = []
    for name, path in filled.pages.items():
        page.goto(f"/ui/#/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(SETTLED_MS)
        faults += looked_at(page, name)
    assert faults == [], "\n".join(faults)


def looked_at(page: Page, name: str, *, whole: bool = True) -> list[str]:
    """What is wrong in each variant. `whole`: its picture has what one would scroll to."""
    found: list[str] = []
    for width, scheme in VARIANTS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(100)
        found += [f"{name}, {width} px, {scheme}: {fault}" for fault in faults_of(page)]
        if folder := os.environ.get("PATCHSWAP_SHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=whole)
    return found


def faults_of(page: Page) -> list[str]:
    """Evaluated by the debugger, which the page's policy does not bind."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    wide = [f"{overflow} px wider than the screen"] if overflow > 0 else []
    return wide + [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]]
