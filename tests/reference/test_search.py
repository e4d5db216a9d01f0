"""The search of the docs, in Debian's Chromium, with the site opened from disk: twenty questions, one try each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.servers import debian

QUESTIONS = {
    "image folder layout": "datasets.html",
    "COCO": "datasets.html",
    "near-duplicates": "datasets.html",
    "wrong labels": "datasets.html",
    "train on my photos": "quickstart.html",
    "how long does a training take": "training.html",
    "class balance": "finetuning.html",
    "ImageNet weights": "weights.html",
    "letterbox": "tasks.html",
    "pause a job": "watching.html",
    "report": "watching.html",
    "webhook signature": "webhooks.html",
    "int8": "smaller.html",
    "measure on a device": "devices.html",
    "compare methods seeds": "comparisons.html",
    "search learning rate": "comparisons.html",
    "PATCHSWAP_MAX_UPLOAD_BYTES": "reference/configuration.html",
    "Idempotency-Key": "curl.html",
    "docker compose": "operations.html",
    "what is not proven": "security.html",
}
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SHOWN = 5  # pages that stand on the screen without scrolling
WAITED = 50  # tenths of a second


@pytest.fixture(scope="module")
def front(site: Path) -> Iterator[Page]:
    debian.install({"chromium": "chromium"})
    foreign: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(debian.find("chromium")), args=OPTIONS)
        page = browser.new_page()
        page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else foreign.append(one.url))
        page.goto((site / "index.html").as_uri())
        page.get_by_placeholder("Search").click()
        yield page
        browser.close()
    assert foreign == []


@pytest.mark.parametrize(("question", "answer"), QUESTIONS.items())
def test_question_is_answered_by_the_first_results(front: Page, question: str, answer: str):
    box = front.get_by_placeholder("Search")
    box.press("Control+a")
    box.press_sequentially(question)
    results = front.locator(".md-search-result__item > a.md-search-result__link")
    found: list[str] = []
    for _ in range(WAITED):  # the list follows each key that was pressed
        links = [str(one.get_attribute("href")) for one in results.all()]
        found = list(dict.fromkeys(link.partition("?")[0].partition("#")[0] for link in links))[:SHOWN]
        if any(link.endswith(f"/{answer}") for link in found):
            return
        front.wait_for_timeout(100)
    pytest.fail(f"{question!r} leads to {found}")
