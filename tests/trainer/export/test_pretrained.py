"""A bundle of a fine-tuned network says what it was fine-tuned from, carries the licence, and feeds the file right."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.specs import ExportSpec, parse, resolve
from contract.weights import BUILT_IN, installed
from tests.data import packs
from tests.trainer.export import made
from tests.trainer.export.conftest import Exported, Trained, run_export
from trainer.data.pack import open_pack
from trainer.errors import TrainerError
from trainer.models import builtin_weights

CARD = BUILT_IN["wts_mobilenet_v2_in1k"].card


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("fine_tuned")
    packs.shapes(folder / "pack", size=(64, 64), counts=(16, 4, 8), classes=4)
    pack = open_pack(folder / "pack")
    body = {
        "dataset": "dsv_test",
        "model": {"architecture": "mobilenet_v2", "pretrained": "imagenet"},
        "training": {"epochs": 1, "pairs_per_batch": 8},
    }
    spec, _ = resolve(parse(body), pack.manifest, installed())
    made.train_and_evaluate(spec, pack, folder / "out")
    return Trained(spec, pack, folder / "out")


@pytest.fixture(scope="module")
def bundle(fine_tuned: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return run_export(fine_tuned, ExportSpec(), tmp_path_factory.mktemp("bundle"))


def test_the_licence_goes_with_the_model(bundle: Exported) -> None:
    notice = (bundle.folder / "PRETRAINED_WEIGHTS.txt").read_text()
    assert "Permission is hereby granted, free of charge" in notice
    assert CARD.sha256 in notice
    assert CARD.source in notice


def test_card_and_manifest_name_the_weights(bundle: Exported) -> None:
    card = (bundle.folder / "model_card.md").read_text()
    assert f"Fine-tuned from the pretrained weights `{CARD.id}`" in card
    assert CARD.sha256 in card
    assert "no other data" not in card
    assert "are under MIT. Keep `PRETRAINED_WEIGHTS.txt`" in card
    manifest = json.loads((bundle.folder / "manifest.json").read_text())
    assert manifest["pretrained"] == {
        "id": CARD.id,
        "licence": "MIT",
        "source": CARD.source,
        "sha256": CARD.sha256,
    }


def test_infer_feeds_pixels_as_the_weights_want_them(bundle: Exported) -> None:
    sys.path.insert(0, str(bundle.folder))
    rules = json.loads((bundle.folder / "preprocess.json").read_text())
    assert np.allclose(rules["mean"], CARD.input.mean)
    assert np.allclose(rules["std"], CARD.input.std)
    fed = np.load(bundle.folder / "golden" / "input.npy")[0]
    image = Image.open(bundle.folder / "golden" / "image.png").convert("RGB").resize((64, 64))
    pixels = np.asarray(image, np.float64).transpose(2, 0, 1) / 255
    mean, std = (np.array(each)[:, None, None] for each in (CARD.input.mean, CARD.input.std))
    assert np.allclose(fed, (pixels - mean) / std, atol=1e-4)


def test_verify_holds(bundle: Exported) -> None:
    ran = subprocess.run([sys.executable, "verify.py"], cwd=bundle.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_no_bundle_without_the_licence(fine_tuned: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin_weights.importlib.metadata, "files", lambda _name: [])
    with pytest.raises(TrainerError, match=r"has no LICENSE\.txt"):
        run_export(fine_tuned, ExportSpec(), tmp_path)
