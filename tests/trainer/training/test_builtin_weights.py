"""`model.pretrained: imagenet` trains: from the published tensors, with a new head, on pixels as they want them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.specs import ExportSpec, parse, resolve
from contract.weights import BUILT_IN, installed
from tests.data import packs
from tests.trainer.runs import run_here
from trainer import models, tasks
from trainer.data.pack import Pack, open_pack
from trainer.errors import TrainerError
from trainer.export.inputs import HeldOut
from trainer.export.order import Order
from trainer.models import builtin_weights
from trainer.training import pretrained

LITE = BUILT_IN["wts_efficientnet_lite0_in1k"]
MIDDLE_GREY_OF_LITE = 127  # (x - 127) / 128


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Noisy pictures of 64 px in two classes, one red and one blue."""
    folder = tmp_path_factory.mktemp("colours")
    random = np.random.default_rng(0)
    labels, splits = np.arange(24) % 2, np.repeat([0, 1, 2], [16, 4, 4])
    images = [random.integers(0, 80, (64, 64, 3), dtype=np.uint8) for _ in labels]
    for image, label in zip(images, labels, strict=True):
        image[..., 2 * label] += 150
    packs.write(folder, images, labels=labels, splits=splits)
    return open_pack(folder)


def spec_for(pack: Pack, architecture: str, **changes):
    body = {
        "dataset": "dsv_test",
        "model": {"architecture": architecture, "pretrained": "imagenet"},
        "method": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine"},
        "training": {"epochs": 4, "pairs_per_batch": 8},
    }
    return resolve(parse(body | changes), pack.manifest, installed())[0]


@pytest.mark.parametrize("weights_id", BUILT_IN)
def test_every_tensor_but_the_head_is_the_published_one(weights_id: str, pack: Pack) -> None:
    built_in = BUILT_IN[weights_id]
    spec = spec_for(pack, built_in.card.architecture)
    assert spec.model.pretrained == weights_id
    network = models.build(spec.model, num_classes=2, channels=3)
    report = pretrained.load(network, None, task=tasks.choose(spec.task), spec=spec.model, manifest=pack.manifest)
    published = [t for name, t in builtin_weights.tensors(built_in).items() if "num_batches" not in name][:-2]
    after = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    *body, head_weight, head_bias = after
    assert all(torch.equal(after[name], tensor) for name, tensor in zip(body, published, strict=True))
    assert not any(after[name].any() for name in (head_weight, head_bias))  # every class is equally probable
    assert len(report.matched) == len(published)
    assert report.missing == report.unexpected == report.reshaped == []


def test_training_begins_from_them_and_learns(pack: Pack, tmp_path: Path) -> None:
    said = run_here(spec_for(pack, "efficientnet_lite0"), pack, tmp_path)
    summary = json.loads((tmp_path / "main" / "train.json").read_text())
    assert said[-1].type == "done"
    assert summary["metrics"]["val.top1_accuracy"] == 1.0


def test_pixels_are_normalised_as_the_weights_want_them(pack: Pack, tmp_path: Path) -> None:
    """In training, in an export's inputs, in preprocess.json and on the card of the network alike."""
    spec = spec_for(pack, "efficientnet_lite0", training={"epochs": 1, "pairs_per_batch": 8})
    order = Order(spec, pack, ExportSpec(), tmp_path, tmp_path)
    rules = order.preprocessing()
    assert np.allclose(np.multiply(rules["mean"], 255), MIDDLE_GREY_OF_LITE)
    pixels, _ = next(HeldOut(spec, pack).batches())
    raw = np.stack([pack.read(int(row), height=64, width=64) for row in HeldOut(spec, pack).rows[: len(pixels)]])
    assert np.allclose(pixels, (raw.transpose(0, 3, 1, 2).astype(np.float64) - 127) / 128, atol=1e-5)
    run_here(spec, pack, tmp_path)
    card = json.loads((tmp_path / "main" / "teacher.json").read_text())
    assert np.allclose(np.multiply(card["mean"], 255), MIDDLE_GREY_OF_LITE)


def test_a_changed_file_is_refused(pack: Pack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(builtin_weights.path_of(LITE).read_bytes()[:-1] + b"x")
    monkeypatch.setattr(builtin_weights, "path_of", lambda _built_in: broken)
    with pytest.raises(TrainerError, match="has the sha256") as refused:
        run_here(spec_for(pack, "efficientnet_lite0"), pack, tmp_path)
    assert refused.value.error.code == "missing_dependency"


def test_the_licence_is_at_hand() -> None:
    assert all(len(builtin_weights.licence(built_in)) > 500 for built_in in BUILT_IN.values())
    assert "Apache" in builtin_weights.licence(LITE)
