"""Folders become archives in the browser: the same folder is the same bytes, and ingest reads them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.datasets import uploads
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.console.test_upload import sent_parts
from tests.ingest.inspection.test_inspection import png
from worker.tasks.turn import run_next

FILES = 200
PART_BYTES = 2**15
LITTER = (".DS_Store", "Thumbs.db", "__MACOSX/cat.png", ".cache/x.png")


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """200 files of two classes in nested folders, one of a name beyond ASCII, and what desktops leave behind."""
    folder = tmp_path / "flowers"
    for number in range(FILES - 1):
        _write(folder / ("rose", "tulip")[number % 2] / f"session_{number % 5}" / f"{number}.png", png(number, side=24))
    _write(folder / "rose" / "blüte.txt", b"")
    for name in LITTER:
        _write(folder / name, b"litter")
    return folder


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def choose(page: Page, folder: Path, name: str) -> None:
    page.get_by_label("Folder", exact=True).set_input_files(folder)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Upload").click()


def archive_of(ours: Caller, page: Page) -> bytes:
    """Of the dataset whose page is open."""
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    dataset = page.url.rpartition("/")[2]
    return ours.get(f"/v1/datasets/{dataset}/versions/1/archive").content


def test_a_folder_is_sent_as_a_zip_that_is_the_same_each_time_and_is_read(page: Page, ours: Caller, flowers: Path):
    enter(page, ours, "datasets/new")
    choose(page, flowers, "flowers")
    first = archive_of(ours, page)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        wanted = [path for path in flowers.rglob("*") if path.is_file() and not _is_litter(path, flowers)]
        assert names == sorted(path.relative_to(flowers).as_posix() for path in wanted)
        assert len(names) == FILES
        assert all(archive.read(name) == (flowers / name).read_bytes() for name in names)
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    version = ours.get("/v1/datasets/flowers/versions/1").json()
    run_next("ingest", version["id"])
    expect(page.get_by_role("rowheader", name="tulip")).to_be_visible(timeout=PATIENCE_MS)
    assert ours.get("/v1/datasets/flowers/versions/1").json()["samples"] == FILES - 1
    (flowers / "rose" / "blüte.txt").touch()
    page.goto("/ui/#/datasets/new")
    choose(page, flowers, "again")
    page.wait_for_url(lambda url: version["dataset_id"] not in url and "ds_" in url)
    assert archive_of(ours, page) == first


def _is_litter(path: Path, folder: Path) -> bool:
    return path.relative_to(folder).parts[0] in {name.split("/")[0] for name in LITTER}


def test_a_folder_goes_on_after_a_reload(page: Page, ours: Caller, flowers: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", PART_BYTES)
    sent = sent_parts(page.context)
    enter(page, ours, "datasets/new")
    page.route(re.compile("/parts/3$"), lambda route: route.abort())
    with page.expect_request(re.compile("/parts/3$")):
        choose(page, flowers, "flowers")
    page.reload()
    page.unroute(re.compile("/parts/3$"))
    sent.clear()
    choose(page, flowers, "flowers")
    archive = archive_of(ours, page)
    assert sent == list(range(3, -(-len(archive) // PART_BYTES) + 1))


def test_a_folder_that_is_dropped_is_taken(page: Page, ours: Caller, flowers: Path):
    enter(page, ours, "datasets/new")
    area = page.get_by_text("Or drop one of them here.")
    drop(page, area, flowers)
    expect(page.get_by_text(re.compile(f"^flowers, {FILES} files, "))).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Upload").click()
    with zipfile.ZipFile(io.BytesIO(archive_of(ours, page))) as archive:
        assert len(archive.namelist()) == FILES
        assert archive.read("rose/blüte.txt") == b""


def drop(page: Page, area: Locator, folder: Path) -> None:
    """As from a file manager; a script of a page cannot make up a folder."""
    box = area.bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 5, "y": box["y"] + 5, "data": data})


def test_files_without_a_folder_are_answered_by_what_is_needed(page: Page, ours: Caller):
    enter(page, ours, "datasets/new")
    area = page.get_by_text("Or drop one of them here.")
    dropped = page.evaluate_handle(
        "() => { const data = new DataTransfer(); "
        "for (const name of ['a.png', 'b.png']) data.items.add(new File(['x'], name)); return data }"
    )
    area.dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.get_by_role("alert")).to_contain_text("2 files are not a dataset. Drop the folder that holds")
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()


def test_a_folder_without_images_is_not_sent(page: Page, ours: Caller, tmp_path: Path):
    _write(tmp_path / "notes" / "a.txt", b"a")
    enter(page, ours, "datasets/new")
    page.get_by_label("Folder", exact=True).set_input_files(tmp_path / "notes")
    expect(page.get_by_role("alert")).to_contain_text("There are no images in notes.")


def test_how_to_read_sends_what_was_set_and_shows_a_refusal_at_its_field(page: Page, ours: Caller, flowers: Path):
    bodies: list[dict] = []
    page.on("request", lambda request: _note(bodies, request))
    enter(page, ours, "datasets/new")
    page.get_by_text("How to read it").click()
    page.get_by_label("Folders that are the classes").fill("1")
    page.get_by_label("Rename or merge classes").fill("tulip=flower\n\nrose = flower")
    page.get_by_label("Files and folders to leave out").fill("*/session_4/*")
    page.get_by_label("Validation images, in %").fill("95")
    choose(page, flowers, "flowers")
    field = page.get_by_label("Validation images, in %")
    expect(field).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    page.get_by_label("Validation images, in %").fill("30")
    sent = sent_parts(page.context)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    reading = {"classes_at": 1, "map": {"tulip": "flower", "rose": "flower"}, "ignore": ["*/session_4/*"]}
    assert sent == []
    assert (bodies[-1]["reading"], bodies[-1]["splits"]) == (reading, {"val": 0.3})


def test_what_masks_mean_is_said_by_value_or_colour(page: Page, ours: Caller, flowers: Path):
    bodies: list[dict] = []
    page.on("request", lambda request: _note(bodies, request))
    enter(page, ours, "datasets/new")
    page.get_by_label("What it is labelled for").select_option("segmentation")
    page.get_by_text("How to read it").click()
    page.get_by_label("Folder of the masks").fill("7")
    page.get_by_label("What the values of the masks are").fill("road\ncar=128, 64,0")
    choose(page, flowers, "flowers")
    field = page.get_by_label("What the values of the masks are")
    expect(field).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    field.fill("road=1\ncar=128, 64,0")
    sent_parts(page.context)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    labelmap = [{"name": "road", "value": 1}, {"name": "car", "colour": [128, 64, 0]}]
    assert bodies[-1]["reading"] == {"masks": "7", "labelmap": labelmap}


def test_findings_that_name_options_say_which_fields_they_are_here(page: Page, ours: Caller, flowers: Path):
    """A table contradicts the folders: one of both has to be chosen."""
    images = sorted(path.relative_to(flowers).as_posix() for path in flowers.rglob("*.png"))
    table = "file,label\n" + "".join(f"{path},{path.count('1') % 2}\n" for path in images)
    _write(flowers / "labels.csv", table.encode())
    enter(page, ours, "datasets/new")
    choose(page, flowers, "flowers")
    page.wait_for_url(re.compile(r"#/datasets/ds_"))
    version = ours.get("/v1/datasets/flowers/versions/1").json()
    run_next("ingest", version["id"])
    expect(page.get_by_role("listitem").filter(has_text="--labels-from: Where the labels are")).to_be_visible()
    expect(page.get_by_text("For the other reading, pass --labels-from folders.")).to_be_visible()
    expect(page.get_by_text("--map: Rename or merge classes")).to_have_count(0)


def _note(bodies: list[dict], request) -> None:
    if request.method == "POST" and request.url.endswith("/v1/datasets"):
        bodies.append(json.loads(request.post_data))
