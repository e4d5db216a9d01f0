"""A bundle whose images keep their aspect ratio: infer.py says of a picture what the trainer's own network says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.files import WEIGHTS
from contract.pack.manifest import Split
from contract.specs import ExportSpec, parse, resolve
from contract.specs.normalisation import normalisation_of
from portable import boxes as choosing
from tests.data import layouts, masked, scenes
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from tests.trainer.export import made
from tests.trainer.export.conftest import Trained, run_export
from trainer import tasks
from trainer.data.pack import Pack, open_pack
from trainer.training import weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
OWN, FRAME, CONTENT = (48, 72), (64, 64), (43, 64)


def boxed(folder: Path) -> Pack:
    drawn = scenes.draw(24, seed=2, size=OWN)
    result = run_ingest(zipped(layouts.coco(drawn, scenes.LETTERS)), folder, task="detection")
    assert result.manifest is not None
    return open_pack(folder / "out")


def masked_pack(folder: Path) -> Pack:
    drawn = [(scene.image, (scene.mask > 0).astype(np.uint8)) for scene in scenes.draw(24, seed=2, size=OWN)]
    masked.write(folder / "out", drawn, names=["background", "letter"], splits=np.repeat([0, 1, 2], [18, 2, 4]))
    return open_pack(folder / "out")


@pytest.fixture(params=[("detection", boxed), ("segmentation", masked_pack)], ids=["detection", "segmentation"])
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> Trained:
    _, pack_of = request.param
    pack = pack_of(tmp_path)
    training = {"epochs": 2, "pairs_per_batch": 4, "image_size": FRAME[0]}
    optimizer = {"name": "adamw", "learning_rate": 1e-3}
    body = {"dataset": "d", "method": {"name": "cross_entropy"}, "training": training, "optimizer": optimizer}
    spec, _ = resolve(parse(body), pack.manifest)
    assert spec.training.fit == "letterbox"
    made.train_and_evaluate(spec, pack, tmp_path / "trained")
    return Trained(spec, pack, tmp_path / "trained")


def said_by_the_bundle(folder: Path, picture: Path, *options: str) -> dict:
    verified = subprocess.run([sys.executable, folder / "verify.py"], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout
    command = [sys.executable, folder / "infer.py", picture, "--draw", folder.parent / "drawn", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_bundle_says_of_a_picture_what_the_network_says(trained: Trained, tmp_path: Path) -> None:
    pack, spec = trained.pack.fitted("letterbox"), trained.spec
    exported = run_export(trained, ExportSpec(precision="fp32"), tmp_path / "export")
    rules = json.loads((exported.folder / "preprocess.json").read_text())
    assert (rules["fit"], rules["padding"], rules["version"]) == ("letterbox", 114, 2)
    row = int(pack.rows(Split.TEST)[0])
    picture = tmp_path / "picture.png"
    Image.fromarray(pack.fitted("stretch").read(row, height=OWN[0], width=OWN[1])).save(picture)
    options = ["--threshold", "0.02"] if spec.task == "detection" else []
    said = said_by_the_bundle(exported.folder, picture, *options)
    task, stated = tasks.choose(spec.task), normalisation_of(spec, pack.manifest)
    model = weights.load_model(spec, pack.manifest, trained.out / "main" / WEIGHTS).eval()
    samples = task.open_split(pack, Split.TEST, size=FRAME, normalisation=stated, device=made.CPU, budget=10**7)
    sweep = task.predict(model, samples, activity="test")
    try:
        while True:
            next(sweep)
    except StopIteration as ended:
        found = ended.value
    if spec.task == "detection":
        first, _ = found.image(0)
        expected = found.boxes[first] * np.tile(np.array(OWN[::-1]) / CONTENT[::-1], 2)
        told = np.array([one["box"] for one in said["detections"]])
        assert len(told) > 0
        assert (told <= np.array(OWN[::-1] * 2)).all()
        overlap = choosing.overlaps(told[:5], expected)
        assert (overlap.max(axis=1) > 0.95).all()
        scores = found.scores[first][overlap.argmax(axis=1)]
        np.testing.assert_allclose([one["score"] for one in said["detections"][:5]], scores, atol=1e-3)
    else:
        shares = {one["label"]: one["share"] for one in said["classes"]}
        count = found.predicted[0] / found.predicted[0].sum()
        np.testing.assert_allclose([shares.get(name, 0) for name in pack.manifest.classes], count, atol=2e-3)
        assert found.pixels[0] == CONTENT[0] * CONTENT[1]
    assert Image.open(said["drawn"]).size == OWN[::-1]
