"""The whole way by keyboard alone: an archive, a training, its curves, a file; for classes, masks and boxes.

The real ingest and the real trainer. Then the file answers in the browser as it does in the service, fp32 and int8.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.serving import Caller
from tests.conftest import forget_settings
from tests.console.conftest import PATIENCE_MS, enter
from tests.console.test_browser_answers import ASK_HERE, RUNTIME, ask, disagreement
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.worker.processes import Worker
from tests.worker.test_whole_job import archive

MOST_TABS = 80
TRAINING_MS = 480_000
INGEST_MS = 90_000
BOTH = ("fp32", "int8")
ONE = ("fp32",)  # the dense networks take minutes for int8
# Which control has the focus, as a screen reader names it.
FOCUSED = """() => {
  const one = document.activeElement;
  return one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent ?? '';
}"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Case:
    task: str
    letter: str  # chooses the task in its list
    content: Callable[[], bytes]
    spec: dict[str, Any]
    precisions: tuple[str, ...]


def scene_archive(lay: Callable[..., dict[str, bytes]]) -> bytes:
    return zipped(lay(scenes.draw(40, size=(48, 48))))


def spec(architecture: str, precisions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "model": {"architecture": architecture},
        "method": {"name": "cross_entropy"},
        "training": {"epochs": 1},
        "exports": [{"precision": precision} for precision in precisions],
    }


CASES = [
    Case("classification", "C", archive, spec("resnet20", BOTH), BOTH),
    Case("segmentation", "S", lambda: scene_archive(layouts.masks), spec("lraspp_mobilenet_v3_large", ONE), ONE),
    Case("detection", "D", lambda: scene_archive(layouts.yolo), spec("ssdlite320_mobilenet_v3_large", ONE), ONE),
]


@pytest.fixture
def workers(ours: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "120")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    forget_settings()
    started = [Worker(queue, folder=tmp_path, name=queue) for queue in ("short", "train")]
    for worker in started:
        worker.wait_until_ready()
    yield
    for worker in started:
        worker.end()


def tab_to(page: Page, name: str) -> None:
    seen = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        seen.append(str(page.evaluate(FOCUSED)).strip())
        if seen[-1].startswith(name):
            return
    raise AssertionError(f"{name!r} cannot be reached by Tab; there are {seen}")


def press(page: Page, name: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Enter")


def answer_choosers(page: Page, case: Case) -> None:
    """Before the first page: Playwright does not wait until a chooser is caught, and one that came first is lost."""
    archive = {"name": f"{case.task}.zip", "mimeType": "application/zip", "buffer": case.content()}
    page.on("filechooser", lambda chooser: chooser.set_files([archive]))


def upload(page: Page, case: Case) -> None:
    press(page, "Datasets")
    expect(page.get_by_role("heading", name="Datasets", level=1)).to_be_visible(timeout=PATIENCE_MS)
    press(page, "Upload")
    expect(page.get_by_role("heading", name="Upload a dataset")).to_be_visible(timeout=PATIENCE_MS)
    tab_to(page, "Archive")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{case.task}.zip,")).to_be_visible(timeout=PATIENCE_MS)
    tab_to(page, "What it is labelled for")
    page.keyboard.press(case.letter)
    expect(page.get_by_label("What it is labelled for")).to_have_value(case.task)
    press(page, "Upload")
    expect(page.get_by_role("link", name="Train on it")).to_be_visible(timeout=INGEST_MS)


def train(page: Page, case: Case) -> None:
    press(page, "Train on it")
    expect(page.get_by_role("heading", name="Start a training")).to_be_visible(timeout=PATIENCE_MS)
    press(page, "As JSON")
    tab_to(page, "Fields to change, as JSON")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(case.spec))
    expect(page.get_by_text("What will run")).to_be_visible(timeout=PATIENCE_MS)
    press(page, "Start")
    expect(page.get_by_role("list", name="Events")).to_be_visible(timeout=PATIENCE_MS)


def download(page: Page) -> bytes:
    tab_to(page, "Download onnx fp32")
    with page.expect_download(timeout=PATIENCE_MS) as downloading:
        page.keyboard.press("Enter")
    return Path(downloading.value.path()).read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.task)
def test_from_an_archive_to_a_file_without_a_mouse(page: Page, ours: Caller, workers: None, case: Case):
    answer_choosers(page, case)
    enter(page, ours)
    upload(page, case)
    train(page, case)
    expect(page.get_by_role("link", name="See the model")).to_be_visible(timeout=TRAINING_MS)
    for curve in ("Loss", "Accuracy"):
        expect(page.get_by_role("img", name=curve).first).to_be_visible(timeout=PATIENCE_MS)
    press(page, "See the model")
    expect(page.get_by_role("link", name="Download onnx fp32")).to_be_visible(timeout=PATIENCE_MS)
    with zipfile.ZipFile(BytesIO(download(page))) as bundle:
        assert "model.onnx" in bundle.namelist()
    if RUNTIME:
        page.goto(page.url + "/try")
        compare(page, first_picture(case), case.precisions)


def first_picture(case: Case) -> bytes:
    with zipfile.ZipFile(BytesIO(case.content())) as found:
        return found.read(next(name for name in found.namelist() if name.endswith(".png")))


def compare(page: Page, picture: bytes, precisions: tuple[str, ...]) -> None:
    """The files as exported, by the service and in the browser."""
    page.get_by_label(ASK_HERE).check()
    for precision in precisions:
        page.get_by_label("File that answers").select_option(label=f"onnx, {precision}")
        card = ask(page, f"{precision}.png", picture)
        fault = disagreement(card)
        print(precision, card.locator(".apart").inner_text(), card.locator("small").all_inner_texts())
        assert fault is None, precision
