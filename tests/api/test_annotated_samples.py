"""Samples with masks and boxes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.data import layouts, scenes
from tests.data.scenes import LETTERS, Scene
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from tests.worker import seed

SCENES = {scene.name: scene for scene in scenes.draw(14, seed=7, size=(48, 64))}


@pytest.fixture
def version(ours: Caller, tmp_path: Path, request: pytest.FixtureRequest) -> DatasetVersion:
    result = run_ingest(zipped(layouts.coco(list(SCENES.values()))), tmp_path, task=request.param)
    assert result.manifest is not None
    return seed.version(ours.tenant_id, result.manifest, (tmp_path / "out" / "samples.arrow").read_bytes())


def scene_of(sample: dict) -> Scene:
    return SCENES[Path(sample["path"]).stem]


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("version", ["detection"], indirect=True)
def test_boxes_are_listed_with_their_names(ours: Caller, version: DatasetVersion):
    path = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    listed = ours.get(f"{path}?limit=50").json()["data"]
    assert len(listed) == len(SCENES)
    for sample in listed:
        scene = scene_of(sample)
        np.testing.assert_allclose([box["corners"] for box in sample["boxes"]], scene.boxes)
        assert [box["class_name"] for box in sample["boxes"]] == [LETTERS[label] for label in scene.labels]
        assert sample["classes"] == [LETTERS[label] for label in np.unique(scene.labels)]
        assert (sample["mask_url"], sample["class_name"] in sample["classes"]) == (None, True)
    assert ours.get(f"{path}/0/mask").status_code == 404
    assert ours.get(f"{path}/0/image").headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("version", ["segmentation"], indirect=True)
def test_masks_are_shown_in_colours_that_are_class_numbers(ours: Caller, version: DatasetVersion):
    path = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    sample = ours.get(f"{path}?limit=1").json()["data"][0]
    shown = ours.get(sample["mask_url"])
    assert shown.headers["Content-Type"] == "image/png"
    mask = Image.open(io.BytesIO(shown.content))
    assert mask.mode == "P"
    np.testing.assert_array_equal(np.asarray(mask), scene_of(sample).mask)
    assert sample["boxes"] is None
    assert sample["classes"][0] == "background"
    again = ours.get(sample["mask_url"], headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304
    assert ours.get(f"{path}/99/mask").status_code == 404


@pytest.mark.parametrize("version", ["segmentation", "detection"], indirect=True)
def test_images_are_found_by_any_class_they_show(ours: Caller, version: DatasetVersion):
    path = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    for number, letter in enumerate(LETTERS):
        found = ours.get(f"{path}?limit=50&class_name={letter}").json()["data"]
        expected = {name for name, scene in SCENES.items() if number in scene.labels}
        assert {scene_of(sample).name for sample in found} == expected
        assert all(letter in sample["classes"] for sample in found)


@pytest.mark.parametrize("version", ["segmentation", "detection"], indirect=True)
def test_version_counts_images_beside_pixels_or_boxes(ours: Caller, version: DatasetVersion):
    body = ours.get(f"/v1/datasets/{version.dataset_id}/versions/latest").json()
    assert sum(body["splits"].values()) == body["samples"] == len(SCENES)
    amounts = sum(sum(classes.values()) for classes in body["counts"].values())
    of_boxes = "background" not in body["classes"]
    assert amounts == (sum(len(s.labels) for s in SCENES.values()) if of_boxes else len(SCENES) * 48 * 64)
