"""The inspection of a dataset version, and thumbnails."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import obstore
import pytest
from PIL import Image

from core.store import storage
from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.data import layouts, scenes
from tests.ingest.archives import encode, zipped
from tests.ingest.inspection.test_inspection import drawing, png, resaved, split_set
from tests.ingest.packs import run_ingest
from tests.worker import seed

PACK = ("inspection.json", "thumbnails.bin")


def published(ours: Caller, archive: bytes, folder: Path, **asked: object) -> DatasetVersion:
    """As the worker publishes it."""
    result = run_ingest(archive, folder, **asked)
    assert result.manifest is not None
    version = seed.version(ours.tenant_id, result.manifest, (folder / "out" / "samples.arrow").read_bytes())
    for name in PACK:
        if (folder / "out" / name).exists():
            storage.put_file(f"{version.object_prefix}{name}", folder / "out" / name)
    return version


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_twins_are_listed_and_their_samples_found(ours: Caller, tmp_path: Path):
    files = split_set() | {
        "test/a/copy.jpg": resaved(3),
        "train/b/other.jpg": resaved(5),
        "train/a/big.png": png(9, side=700),
    }
    version = published(ours, zipped(files), tmp_path)
    base = f"/v1/datasets/{version.dataset_id}/versions/latest"
    answer = ours.get(f"{base}/inspection")
    assert answer.status_code == 200
    pairs = answer.json()["near_duplicates"]["pairs"]
    assert pairs["contradiction"] == 1
    assert ours.get(f"{base}/inspection", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    found = ours.get(f"{base}/samples?twins=contradiction").json()["data"]
    assert {Path(sample["path"]).name for sample in found} == {"5.png", "other.jpg"}
    for sample in ours.get(f"{base}/samples?limit=100").json()["data"]:
        shown = ours.get(sample["thumbnail_url"])
        with Image.open(io.BytesIO(shown.content)) as image:
            assert max(image.size) == (192 if sample["path"].endswith("big.png") else sample["width"])
    named = {"path": ["test/a/copy.jpg", "train/b/other.jpg", "nowhere.png"]}
    by_name = ours.get(f"{base}/samples", params=named).json()["data"]
    assert {sample["path"] for sample in by_name} == {"test/a/copy.jpg", "train/b/other.jpg"}
    assert ours.get(f"{base}/samples", params={**named, "split": "test"}).json()["data"][0]["path"] == "test/a/copy.jpg"
    assert ours.get(f"{base}/samples/999/thumbnail").status_code == 404
    assert ours.get(f"{base}/samples?twins=cousins").status_code == 422


def test_version_of_an_earlier_release_says_that_it_has_none(ours: Caller, tmp_path: Path):
    version = published(ours, zipped({f"{n % 2}/{n}.png": png(n, side=300) for n in range(12)}), tmp_path)
    for name in PACK:
        storage.delete([f"{version.object_prefix}{name}"])
    base = f"/v1/datasets/{version.dataset_id}/versions/latest"
    for path in ("inspection", "samples/0/thumbnail"):
        answer = ours.get(f"{base}/{path}")
        assert (answer.status_code, "under another name" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_a_page_of_thumbnails_costs_a_request_for_16_and_the_browser_keeps_them(
    ours: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    version = published(ours, zipped({f"{n % 2}/{n}.png": png(n, side=300) for n in range(100)}), tmp_path)
    base = f"/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"
    urls = [sample["thumbnail_url"] for sample in ours.get(f"{base}?limit=100").json()["data"]]
    asked: list[str] = []
    for name in ("get", "head", "get_range"):
        monkeypatch.setattr(obstore, name, noting(asked, getattr(obstore, name)))
    expected = thumbnails_in(tmp_path / "out" / "thumbnails.bin", 100)
    for url, content in zip(urls, expected, strict=True):
        answer = ours.get(url)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.content == content
    assert len(asked) == 1 + 7  # the offsets, 7 times 16 thumbnails
    asked.clear()
    assert ours.get(urls[0], headers={"If-None-Match": ours.get(urls[0]).headers["ETag"]}).status_code == 304
    assert asked == []


def thumbnails_in(path: Path, count: int) -> list[bytes]:
    content = path.read_bytes()
    ends = np.frombuffer(content[: 8 * (count + 1)], "<u8")
    return [content[start:end] for start, end in pairwise(ends)]


def noting(asked: list[str], act: Callable) -> Callable:
    def noted(store, key: str, **more):
        asked.append(key)
        return act(store, key, **more)

    return noted


def test_thumbnails_of_raw_packs_are_the_images(ours: Caller, tmp_path: Path):
    files = {f"{n % 2}/{n}.png": encode(drawing(n, side=32)) for n in range(12)}
    version = published(ours, zipped(files), tmp_path)
    base = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    sample = ours.get(f"{base}?limit=1").json()["data"][0]
    with Image.open(io.BytesIO(ours.get(sample["thumbnail_url"]).content)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(drawing(int(Path(sample["path"]).stem), side=32)))


def test_overlay_of_a_mask_is_small_and_clear_where_nothing_is(ours: Caller, tmp_path: Path):
    drawn = scenes.draw(14, seed=7, size=(300, 400))
    version = published(ours, zipped(layouts.coco(drawn)), tmp_path, task="segmentation")
    base = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    sample = ours.get(f"{base}?limit=1").json()["data"][0]
    with Image.open(io.BytesIO(ours.get(f"{sample['mask_url']}?overlay=true").content)) as shown:
        assert shown.size == (256, 192)
        scene = next(scene for scene in drawn if scene.name == Path(sample["path"]).stem)
        values = np.asarray(Image.fromarray(scene.mask).resize((256, 192), Image.Resampling.NEAREST))
        np.testing.assert_array_equal(np.asarray(shown.convert("RGBA"))[..., 3] > 0, ~np.isin(values, [0, 255]))
