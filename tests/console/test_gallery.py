"""The pictures of a dataset: masks and boxes drawn, one opened large, near-duplicates and suspected labels."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from contract.files import INGEST_REPORT
from contract.results.evaluation import SuspectedLabel, SuspectedLabels
from core.database.database import transaction
from core.tables import Dataset, DatasetVersion, Model
from tests.api import made
from tests.api.serving import Caller
from tests.api.test_inspections import published
from tests.console.conftest import PATIENCE_MS, enter
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.ingest.inspection.test_inspection import png, resaved, split_set


def drawn(ours: Caller, folder: Path, task: str) -> DatasetVersion:
    version = published(ours, zipped(layouts.coco(scenes.draw(14, seed=7, size=(150, 200)))), folder, task=task)
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).task = task
    return version


def images(page: Page) -> Locator:
    found = page.get_by_role("list", name="Images", exact=True)
    expect(found.get_by_role("button").first).to_be_visible(timeout=PATIENCE_MS)
    return found


def test_masks_lie_over_their_pictures_in_the_colours_of_the_legend(page: Page, ours: Caller, tmp_path: Path):
    version = drawn(ours, tmp_path, "segmentation")
    enter(page, ours, f"datasets/{version.dataset_id}")
    masks = images(page).locator("img.mask")
    expect(masks.first).to_have_js_property("naturalWidth", 200)
    legend = page.get_by_role("list", name="Colours of the classes").locator("rect")
    sample = ours.get(f"/v1/datasets/{version.dataset_id}/versions/latest/samples?limit=1").json()["data"][0]
    with Image.open(io.BytesIO(ours.get(f"{sample['mask_url']}?overlay=true").content)) as overlay:
        pixels = overlay.convert("RGBA").getcolors()
    painted = {f"rgb({red},{green},{blue})" for _, (red, green, blue, opacity) in pixels if opacity}
    assert painted
    assert painted <= {mark.get_attribute("fill") for mark in legend.all()}
    page.get_by_label("Draw masks").uncheck()
    expect(masks).to_have_count(0)


def test_a_picture_opens_large_with_its_boxes_by_name_and_arrows_go_on(page: Page, ours: Caller, tmp_path: Path):
    version = drawn(ours, tmp_path, "detection")
    enter(page, ours, f"datasets/{version.dataset_id}")
    first = images(page).get_by_role("button").first
    first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    listed = ours.get(f"/v1/datasets/{version.dataset_id}/versions/latest/samples?limit=2").json()["data"]
    for sample in listed:
        expect(dialog.get_by_text(sample["path"])).to_be_visible()
        expect(dialog.get_by_text(re.compile("^200 . 150 px$"))).to_be_visible()
        expect(dialog.locator("svg text")).to_have_text([box["class_name"] for box in sample["boxes"]])
        strokes = dialog.locator("rect").evaluate_all("all => all.map(rect => rect.getAttribute('stroke'))")
        classes = [box["class_name"] for box in sample["boxes"]]
        assert len(set(strokes)) == len(set(classes)) == len(set(zip(strokes, classes, strict=True)))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(first).to_be_focused()


def test_near_duplicates_across_splits_stand_side_by_side(page: Page, ours: Caller, tmp_path: Path):
    files = split_set() | {"test/a/copy.jpg": resaved(3), "train/b/other.jpg": resaved(5)}
    version = published(ours, zipped(files), tmp_path)
    enter(page, ours, f"datasets/{version.dataset_id}")
    page.get_by_label("Show", exact=True).select_option(label="Near-duplicates across splits (1)")
    pair = page.get_by_role("list", name="Pair 1").get_by_role("listitem")
    expect(pair).to_contain_text([re.compile(r"a.*test, copy\.jpg"), re.compile(r"a.*train, 3\.png")])
    page.get_by_label("Show", exact=True).select_option(label="Near-duplicates of two classes (1)")
    expect(pair).to_contain_text([re.compile(r"\.(png|jpg)")] * 2)
    expect(page.get_by_text("Correct one label, or remove the pair.")).to_be_visible()


def test_suspected_labels_of_the_newest_model_come_first(page: Page, ours: Caller, tmp_path: Path):
    version = published(ours, zipped(split_set()), tmp_path)
    enter(page, ours, f"datasets/{version.dataset_id}")
    expect(page.get_by_text("No model was trained on this version yet.")).to_be_visible(timeout=PATIENCE_MS)
    suspect(made.published_job(version)[1])
    page.reload()
    show = page.get_by_label("Show", exact=True)
    expect(show.locator("option").first).to_have_text("Suspected wrong labels (1)", timeout=PATIENCE_MS)
    show.select_option("suspects")
    found = page.get_by_role("list", name="Suspected labels of held-out images").get_by_role("listitem")
    expect(found).to_contain_text("labelled a (2\u00a0%), network: b (97\u00a0%)")
    found.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("test/a/1.png")


def suspect(model: Model) -> None:
    """As if the network contradicted one label."""
    label = SuspectedLabel(
        index=1,
        split="test",
        path="test/a/1.png",
        label="a",
        suggested="b",
        label_probability=0.02,
        suggested_probability=0.97,
    )
    found = SuspectedLabels(images={"test": 24}, found={"held_out": 1, "train": 0}, held_out=[label], train=[])
    with transaction() as session:
        row = session.get_one(Model, model.id)
        row.evaluation = {"main": {**row.evaluation["main"], "suspected_labels": found.model_dump(mode="json")}}


def test_what_was_left_out_is_shown_with_its_reason_and_notes_stay_folded(page: Page, ours: Caller, tmp_path: Path):
    version = published(ours, zipped(split_set() | {"train/b/torn.png": png(70)[:300], "notes.md": b"-"}), tmp_path)
    with transaction() as session:
        report = json.loads((tmp_path / "out" / INGEST_REPORT).read_bytes())
        session.get_one(DatasetVersion, version.id).report = report
    enter(page, ours, f"datasets/{version.dataset_id}")
    left_out = page.get_by_role("list", name="Pictures that were left out").get_by_role("listitem")
    expect(left_out).to_have_text(re.compile(r"The file ends before the image does\. train/b/torn\.png"))
    warning = next(found["message"] for found in report["findings"] if found["severity"] == "warning")
    note = next(found["message"] for found in report["findings"] if found["severity"] == "info")
    expect(page.get_by_text(warning).first).to_be_visible()
    expect(page.get_by_text(note).first).to_be_hidden()
    page.get_by_text(re.compile(r"^\d+ notes?$")).click()
    expect(page.get_by_text(note).first).to_be_visible()


def test_of_a_thousand_classes_the_largest_and_the_smallest_are_drawn(
    page: Page, ours: Caller, version: DatasetVersion
):
    names = [f"class {number}" for number in range(1000)]
    train = {name: 2000 - number for number, name in enumerate(names)}
    with transaction() as session:
        row = session.get_one(DatasetVersion, version.id)
        row.manifest = {**row.manifest, "classes": names, "counts": {"train": train, "val": train, "test": train}}
    enter(page, ours, f"datasets/{version.dataset_id}")
    rows = page.get_by_role("region", name="Classes").get_by_role("rowheader")
    expect(rows).to_have_text(names[:10] + names[-10:], timeout=PATIENCE_MS)
    page.get_by_role("button", name="Show 100 of 980 classes between").click()
    expect(rows).to_have_text(names[:110] + names[-10:])


def test_a_finding_shows_the_picture_that_it_names(page: Page, ours: Caller, tmp_path: Path):
    version = published(ours, zipped(split_set() | {"test/a/copy.jpg": resaved(3)}), tmp_path)
    with transaction() as session:
        report = json.loads((tmp_path / "out" / INGEST_REPORT).read_bytes())
        session.get_one(DatasetVersion, version.id).report = report
    enter(page, ours, f"datasets/{version.dataset_id}")
    finding = page.get_by_role("listitem").filter(has_text="nearly the same as a training picture")
    picture = finding.get_by_role("img", name="test/a/copy.jpg")
    expect(picture).to_have_js_property("naturalWidth", 70, timeout=PATIENCE_MS)
    finding.get_by_role("button", name="Look at them").click()
    expect(page.get_by_role("list", name="Pair 1")).to_be_visible()
