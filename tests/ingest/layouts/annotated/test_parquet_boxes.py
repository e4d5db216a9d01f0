"""Parquet files with images and objects, as Hugging Face keeps them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from contract.specs.reading import ReadingSpec
from tests.data import scenes
from tests.data.scenes import LETTERS, Scene
from tests.ingest.archives import encode, parquet, zipped
from tests.ingest.layouts.annotated.reading import boxes_of
from tests.ingest.packs import check_pack, run_ingest
from trainer.data.pack import open_pack

SCENES = scenes.draw(24, seed=8, size=(80, 72))
FEATURE = {"category": {"names": list(LETTERS), "_type": "ClassLabel"}, "bbox": {"_type": "Sequence"}}
FEATURES = {
    "list_of_dict": {"objects": [FEATURE]},
    "sequence": {"objects": {"feature": FEATURE, "_type": "Sequence"}},
    "dict_of_sequences": {"objects": {"category": {"feature": FEATURE["category"], "_type": "Sequence"}, "bbox": {}}},
}


def frame(
    *,
    named: bool = True,
    side_by_side: bool = True,
    as_corners: bool = False,
    features: object = None,
    shown: Sequence[Scene] = SCENES,
) -> bytes:
    rows = []
    for scene in shown:
        boxes = [b if as_corners else [b[0], b[1], b[2] - b[0], b[3] - b[1]] for b in scene.boxes.tolist()]
        labels: list[object] = [int(at) if named else LETTERS[at] for at in scene.labels]
        rows.append(
            {"bbox": boxes, "category": labels}
            if side_by_side
            else [{"bbox": box, "category": label} for box, label in zip(boxes, labels, strict=True)]
        )
    images = [{"bytes": encode(scene.image), "path": f"{scene.name}.png"} for scene in shown]
    height, width = SCENES[0].mask.shape
    columns = {"image": images, "objects": rows, "height": [height] * len(rows), "width": [width] * len(rows)}
    return parquet(columns, json.dumps({"info": {"features": features}}).encode() if features else None)


@pytest.mark.parametrize("archive", [
    *(frame(features=features) for features in FEATURES.values()),
    frame(features=FEATURES["list_of_dict"], side_by_side=False),
    frame(named=False),
    frame(named=False, side_by_side=False, as_corners=True),
])  # fmt: skip
def test_objects_are_the_boxes_of_their_image(archive: bytes, tmp_path: Path) -> None:
    result = run_ingest(archive, tmp_path, task="detection")
    assert result.manifest is not None, result.report.findings
    check_pack(tmp_path / "out")
    opened = open_pack(tmp_path / "out")
    assert (result.manifest.classes, result.manifest.samples) == (list(LETTERS), len(SCENES))
    by_name = {f"{scene.name}.png": scene for scene in SCENES}
    for row in range(len(SCENES)):
        scene = by_name[opened.table.column("path")[row].as_py()]
        boxes, labels = boxes_of(opened, row)
        np.testing.assert_allclose(boxes, scene.boxes, atol=1e-3)
        np.testing.assert_array_equal(labels, scene.labels)


def test_numbers_without_names_are_called_so_and_said(tmp_path: Path) -> None:
    result = run_ingest(frame(), tmp_path, task="detection")
    assert result.manifest is not None
    assert result.manifest.classes == [f"class_{number}" for number in range(4)]
    assert result.report.counts["classes_unnamed"] == 1


def test_classes_are_merged_and_options_without_use_refused(tmp_path: Path) -> None:
    merged = ReadingSpec(map=dict.fromkeys(LETTERS, "letter"))
    result = run_ingest(frame(features=FEATURES["sequence"]), tmp_path, task="detection", reading=merged)
    assert result.manifest is not None
    assert result.manifest.classes == ["letter"]
    result = run_ingest(frame(), tmp_path, task="detection", reading=ReadingSpec(unlabelled="skip"))
    assert result.report.counts == {"option_without_effect": 1}


def test_a_file_without_boxes_is_refused(tmp_path: Path) -> None:
    archive = parquet({"image": [{"bytes": encode(SCENES[0].image), "path": "a.png"}], "label": [1]})
    assert run_ingest(archive, tmp_path, task="detection").report.counts == {"no_annotations": 1}


def test_shards_in_a_zip_are_one_set_with_the_splits_of_their_names(tmp_path: Path) -> None:
    """Text labels, of which each file has only some: the numbers are those of all files together."""
    parts = {
        "train-00000-of-00002": SCENES[:10],
        "train-00001-of-00002": SCENES[10:18],
        "test-00000-of-00001": SCENES[18:],
    }
    files = {f"data/{name}.parquet": frame(named=False, shown=shown) for name, shown in parts.items()}
    result = run_ingest(zipped(files | {"README.md": b"# Letters"}), tmp_path, task="detection")
    assert result.manifest is not None, result.report.findings
    check_pack(tmp_path / "out")
    opened = open_pack(tmp_path / "out")
    assert (result.manifest.classes, result.report.layout) == (list(LETTERS), "parquet")
    by_name = {f"{scene.name}.png": (at, scene) for at, scene in enumerate(SCENES)}
    for row in range(len(SCENES)):
        at, scene = by_name[opened.table.column("path")[row].as_py()]
        boxes, labels = boxes_of(opened, row)
        np.testing.assert_allclose(boxes, scene.boxes, atol=1e-3)
        np.testing.assert_array_equal(labels, scene.labels)
        assert (opened.splits[row] == 2) == (at >= 18)


def test_shards_that_name_classes_differently_are_refused(tmp_path: Path) -> None:
    turned = [{"category": {"names": list(reversed(LETTERS)), "_type": "ClassLabel"}, "bbox": {}}]
    files = {
        "train-00000-of-00001.parquet": frame(features=FEATURES["list_of_dict"], shown=SCENES[:12]),
        "test-00000-of-00001.parquet": frame(features={"objects": turned}, shown=SCENES[12:]),
    }
    assert run_ingest(zipped(files), tmp_path, task="detection").report.counts == {"classes_contradict": 1}
