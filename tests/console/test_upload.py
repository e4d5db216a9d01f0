"""A dataset's file on its way from the browser: sent at once, hashed meanwhile, taken up again by the next page."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from core.database.database import transaction
from core.datasets import uploads
from core.store import storage
from core.tables import Upload
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter

MIB = 2**20
LARGE_BYTES = 2 * 2**30
LARGE_PATIENCE_MS = 900_000
MEMORY_LIMIT_BYTES = 200e6


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", MIB)


def sent_parts(context: BrowserContext) -> list[int]:
    """Numbers of the parts, as they are sent by any page from now on."""
    found: list[int] = []

    def on_request(request: Request) -> None:
        if request.method == "PUT":
            found.append(int(urlsplit(request.url).path.rpartition("/")[2]))

    context.on("request", on_request)
    return found


def begin(page: Page, file: Path) -> None:
    page.get_by_label("Archive").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def the_upload() -> Upload:
    with transaction() as session:
        return session.query(Upload).order_by(Upload.created_at.desc()).first()


@pytest.mark.usefixtures("small_parts")
def test_a_file_is_sent_before_it_is_hashed_and_its_sha256_comes_last(page: Page, ours: Caller, tmp_path: Path):
    file = tmp_path / "photos.zip"
    file.write_bytes(os.urandom(3 * MIB + 5))
    asked: list[tuple[str, str, str | None]] = []
    page.on("request", lambda request: asked.append((request.method, urlsplit(request.url).path, request.post_data)))
    enter(page, ours, "datasets/new")
    asked.clear()
    begin(page, file)
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    writes = [(method, path.rpartition("/")[2]) for method, path, _ in asked if method != "GET"]
    parts = [("PUT", str(number)) for number in (1, 2, 3, 4)]
    assert writes == [("POST", "uploads"), *parts, ("POST", "complete"), ("POST", "datasets")]
    assert "sha256" not in next(body for method, path, body in asked if path == "/v1/uploads" and method == "POST")
    assert (the_upload().status, the_upload().sha256) == ("complete", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.usefixtures("small_parts")
def test_a_page_goes_on_where_another_was_closed(page: Page, ours: Caller, tmp_path: Path):
    file = tmp_path / "photos.zip"
    file.write_bytes(os.urandom(4 * MIB))
    sent = sent_parts(page.context)
    enter(page, ours, "datasets/new")
    page.route(re.compile("/parts/3$"), lambda route: route.abort())
    begin(page, file)
    expect(page.get_by_role("status")).to_have_text("Sending 50.0 %", timeout=PATIENCE_MS)
    other = page.context.new_page()
    page.close()
    sent.clear()
    other.goto("/ui/#/datasets/new")
    begin(other, file)
    other.wait_for_url(re.compile(r"#/datasets/ds_"))
    assert sent == [3, 4]


@pytest.mark.usefixtures("small_parts")
def test_bytes_that_are_not_the_files_are_told_and_the_next_attempt_sends_all(page: Page, ours: Caller, tmp_path: Path):
    file = tmp_path / "photos.zip"
    file.write_bytes(os.urandom(2 * MIB))
    sent = sent_parts(page.context)
    enter(page, ours, "datasets/new")

    def alter(route) -> None:
        storage.put_bytes(uploads.part_key(the_upload(), 1), os.urandom(MIB))
        route.continue_()

    page.route(re.compile("/complete$"), alter)
    begin(page, file)
    expect(page.get_by_role("alert")).to_contain_text("Upload the file again", timeout=PATIENCE_MS)
    assert the_upload().status == "aborted"
    page.unroute(re.compile("/complete$"))
    sent.clear()
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    assert sent == [1, 2]


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """2 GiB of which no two MiB are the same."""
    path, block = tmp_path / "large.zip", os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(LARGE_BYTES // MIB):
            file.write(number.to_bytes(8, "big") + block[8:])
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_2_gib_through_pages_that_are_killed_send_no_part_again_in_little_memory(
    chromium: Browser, page: Page, ours: Caller, large: Path
):
    sent = sent_parts(page.context)
    enter(page, ours, "datasets/new")
    with memory_watched(chromium) as peak:
        begin(page, large)
        for share in (0.3, 0.6):
            received = wait_until_received(ours, share)
            kill(page, chromium)
            sent.clear()
            page = page.context.new_page()
            page.goto("/ui/#/datasets/new")
            begin(page, large)
            wait_until_received(ours, share + 0.1)
            assert not received & set(sent)
        page.wait_for_url(re.compile(r"#/datasets/ds_"), timeout=LARGE_PATIENCE_MS)
    with large.open("rb") as file:
        assert the_upload().sha256 == hashlib.file_digest(file, "sha256").hexdigest()
    print(f"peak of a page's memory: {max(peak) / 1e6:.0f} MB")
    assert max(peak) < MEMORY_LIMIT_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 3])
def test_a_reader_that_stops_in_the_middle_of_a_large_file_is_given_up(page: Page, ours: Caller, tmp_path: Path, after):
    """Chromium's do so at times. The stub is put before the worker's own script."""
    file = tmp_path / "large.zip"
    file.write_bytes(os.urandom(100 * MIB))
    stub = (
        "const readers = ReadableStreamBYOBReader.prototype, read = readers.read; let reads = 0; readers.read = "
        f"function (view) {{ return reads++ < {after} ? read.call(this, view) : new Promise(() => undefined); }};"
    )

    def stopping(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=stub + answer.text())

    page.context.route(re.compile("hash.worker"), stopping)
    enter(page, ours, "datasets/new")
    begin(page, file)
    page.wait_for_url(re.compile(r"#/datasets/ds_"), timeout=LARGE_PATIENCE_MS)
    with file.open("rb") as content:
        assert the_upload().sha256 == hashlib.file_digest(content, "sha256").hexdigest()


def kill(page: Page, chromium: Browser) -> None:
    """With -9, as a machine that is out of memory does."""
    with page.expect_event("crash"):
        for renderer in renderers_of(main_process(chromium)):
            renderer.kill()
    page.close()


def wait_until_received(ours: Caller, share: float) -> set[int]:
    """Numbers of the parts that arrived."""
    deadline = time.monotonic() + LARGE_PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        upload = the_upload()
        received = uploads.received_parts(upload) if upload else set()
        if upload and len(received) >= share * len(uploads.part_numbers(upload)):
            return received
        time.sleep(0.2)
    raise AssertionError(f"less than {share:.0%} arrived in time")


@contextmanager
def memory_watched(chromium: Browser) -> Iterator[list[int]]:
    """Bytes that a page's process alone held, at the most; sampled beside the test."""
    main, found, over = main_process(chromium), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for process in renderers_of(main):
                with suppress(psutil.Error):  # it ended meanwhile
                    found.append(process.memory_full_info().uss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def main_process(chromium: Browser) -> psutil.Process:
    found = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return psutil.Process(next(one["id"] for one in found if one["type"] == "browser"))


def renderers_of(main: psutil.Process) -> list[psutil.Process]:
    """The processes of its pages."""
    found = []
    for process in main.children(recursive=True):
        with suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                found.append(process)
    return found
