"""A bundle of a network of tiles: infer.py says of a large image what the evaluation says, and finds what shrinks away.

The gate of an export measures the file by the same `judge` as the evaluation, so equal figures close the circle.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.files import PREDICTIONS
from contract.pack.manifest import Split
from contract.results.evaluation import Evaluation
from contract.specs import ExportSpec, parse, resolve
from contract.specs.splits import SplitRequest
from portable import boxes
from tests.data import layouts, masked, specks
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from tests.trainer.export import made
from tests.trainer.export.conftest import Trained, run_export
from tests.trainer.export.test_letterbox import said_by_the_bundle
from trainer.data.pack import Pack, open_pack
from trainer.tasks.detection.predictions import BoxPredictions
from trainer.tasks.segmentation.predictions import MaskPredictions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
OWN, FRAME = (192, 240), 64
STILL = {"horizontal_flip": False, "scale_jitter": [1, 1], "photometric": False}
ADAMW = {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine"}


def trained(pack: Pack, out: Path, *, tiles: dict | None, epochs: int, model: dict) -> Trained:
    training = {"epochs": epochs, "pairs_per_batch": 8, "image_size": FRAME, "tiles": tiles, "augmentation": STILL}
    body = {"dataset": "d", "method": {"name": "cross_entropy"}, "training": training, "optimizer": ADAMW}
    spec, _ = resolve(parse(body | {"model": model}), pack.manifest)
    made.train_and_evaluate(spec, pack, out)
    return Trained(spec, pack, out)


def evaluated(run: Trained) -> Evaluation:
    return Evaluation.model_validate_json((run.out / "main" / "evaluation.json").read_bytes())


def picture_of(pack: Pack, folder: Path) -> Path:
    """The first test image as a file."""
    path = folder / "large.png"
    pack.whole(int(pack.rows(Split.TEST)[0])).save(path)
    return path


def test_tiles_find_small_objects_that_a_shrunk_image_loses_and_so_does_the_bundle(tmp_path: Path) -> None:
    archive = zipped(layouts.coco(specks.draw(100, seed=1, size=OWN, most=10), specks.NAMES))
    assert run_ingest(archive, tmp_path, task="detection", splits=SplitRequest(val=0.05, test=0.15)).manifest
    pack = open_pack(tmp_path / "out")
    model = {"architecture": "ssdlite320_mobilenet_v3_large", "stem": "small"}
    whole = trained(pack, tmp_path / "whole", tiles=None, epochs=7, model=model)
    tiled = trained(pack, tmp_path / "tiled", tiles={}, epochs=7, model=model)
    figures = [evaluated(run).splits["test"] for run in (whole, tiled)]
    assert evaluated(whole).images_seen == evaluated(tiled).images_seen
    assert figures[1].ap50 > figures[0].ap50 + 0.4

    exported = run_export(tiled, ExportSpec(precision="fp32"), tmp_path / "export")
    rules = json.loads((exported.folder / "preprocess.json").read_text())
    assert (rules["version"], rules["fit"], rules["tiles"]) == (3, "letterbox", {"shrink": 1, "overlap": 0.25})
    assert exported.result.measured["ap50"] == pytest.approx(figures[1].ap50, abs=0.01)

    said = said_by_the_bundle(exported.folder, picture_of(pack, tmp_path), "--threshold", "0.1")
    found = BoxPredictions.of_bytes((tiled.out / "main" / PREDICTIONS).read_bytes())
    ours, true = found.image(0)
    told = np.array([one["box"] for one in said["detections"]])
    scores = np.array([one["score"] for one in said["detections"]])
    np.testing.assert_allclose(scores, found.scores[ours][: len(told)], atol=1e-3)
    np.testing.assert_allclose(told, found.boxes[ours][: len(told)], atol=0.1)
    overlaps = boxes.overlaps(found.true_boxes[true], told[scores >= 0.3])
    assert (overlaps.max(axis=1) > 0.5).mean() > 0.7
    assert Image.open(said["drawn"]).size == OWN[::-1]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_mask_of_a_large_image_is_that_of_its_tiles_merged(precision: str, tmp_path: Path) -> None:
    drawn = [(scene.image, (scene.mask > 0).astype(np.uint8)) for scene in specks.draw(24, seed=2, size=OWN, most=12)]
    masked.write(tmp_path / "out", drawn, names=["background", "speck"], splits=np.repeat([0, 1, 2], [18, 2, 4]))
    pack = open_pack(tmp_path / "out")
    model = {"architecture": "lraspp_mobilenet_v3_large"}
    tiled = trained(pack, tmp_path / "tiled", tiles={"overlap": 0.4}, epochs=2, model=model)
    exported = run_export(tiled, ExportSpec(precision=precision), tmp_path / "export")
    said = said_by_the_bundle(exported.folder, picture_of(pack, tmp_path))
    shares = {one["label"]: one["share"] for one in said["classes"]}
    found = MaskPredictions.of_bytes((tiled.out / "main" / PREDICTIONS).read_bytes())
    assert found.pixels[0] == OWN[0] * OWN[1]
    if precision == "fp32":
        expected = found.predicted[0] / found.predicted[0].sum()
        np.testing.assert_allclose([shares.get(name, 0) for name in pack.manifest.classes], expected, atol=2e-3)
        trained_iou = evaluated(tiled).splits["test"].mean_iou
        assert exported.result.measured["mean_iou"] == pytest.approx(trained_iou, abs=2e-3)
