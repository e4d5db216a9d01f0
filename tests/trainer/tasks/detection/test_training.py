"""Detection through the trainer's own loop: every method runs, resumes bit for bit, and learns."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.pack.manifest import Split
from contract.results.evaluation import Evaluation
from contract.specs import AugmentationSpec
from contract.specs.normalisation import Normalisation
from tests.trainer.runs import run_here
from tests.trainer.tasks.detection.made import SIDE, pack_of, spec_of
from trainer import evaluation
from trainer.data.pack import Pack
from trainer.machine import device
from trainer.tasks.detection import task as detection
from trainer.training import loop as training

HOW = {
    "normalisation": Normalisation(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    "device": torch.device("cpu"),
    "budget": 2**24,
}
SSDLITE = {"architecture": "ssdlite320_mobilenet_v3_large"}
FEW_STEPS = {"epochs": 1, "pairs_per_batch": 14, "augmentation": {"horizontal_flip": False}}
METHODS = [
    {"name": "cross_entropy"},
    {"name": "patch_swap", "swap_probability": 1.0},
    {"name": "patch_swap_only", "swap_probability": 1.0},
    {"name": "copy_paste", "paste_probability": 1.0},
]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("boxes"))


def weights(folder: Path) -> bytes:
    return (folder / "main" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["name"])
def test_every_method_trains_and_reports_its_terms(method: dict, pack: Pack, tmp_path: Path) -> None:
    said = run_here(spec_of(pack.manifest, method=method, model=SSDLITE, training=FEW_STEPS), pack, tmp_path)
    values = {name for message in said if message.type == "metrics" for name in message.values}
    assert {"train.loss", "train.class_loss", "train.box_loss", "val.ap", "val.ap50"} <= values
    assert ("train.kd_loss" in values) == (method["name"] == "patch_swap")


def test_interrupted_run_ends_with_the_same_weights(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(pack.manifest, method=METHODS[1], model=SSDLITE, training=FEW_STEPS | {"epochs": 2})
    run_here(spec, pack, tmp_path / "whole")
    monkeypatch.setattr(training.Clock, "checkpoint_due", lambda *_: True)
    stopped = run_here(spec, pack, tmp_path / "parts", stop_at=1)
    assert stopped[-1].type == "stopped"
    run_here(spec, pack, tmp_path / "parts")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_augmented_boxes_follow_their_pixels(pack: Pack) -> None:
    """A box is painted on black; after the change its pixels are where its box says."""
    boxes = torch.tensor([[12.0, 20, 40, 44]])
    image = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    image[:, 20:44, 12:40] = 255
    spec = AugmentationSpec(crop_padding=0, horizontal_flip=True, scale_jitter=(0.6, 1.6), photometric=False)
    targets = [{"boxes": boxes, "labels": torch.tensor([2])}] * 8
    changed, moved = detection.augment(
        image.repeat(8, 1, 1, 1), targets, spec, np.random.default_rng(0), step=(2, 4), part=slice(0, 4)
    )
    assert len({tuple(target["boxes"].flatten().tolist()) for target in moved}) > 4
    for pixels, target in zip(changed, moved, strict=True):
        rows, columns = np.nonzero(pixels[0].numpy() > 127)
        assert len(target["boxes"]) == 1 or len(rows) < 0.35 * 24 * 28 * 1.6**2
        for x1, y1, x2, y2 in target["boxes"].tolist():
            np.testing.assert_allclose(
                [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], [x1, y1, x2, y2], atol=1.5
            )


def test_parts_of_a_step_are_augmented_as_the_whole(pack: Pack) -> None:
    samples = detection.open_split(pack, Split.TRAIN, size=(SIDE, SIDE), **HOW)
    images, targets = samples.fetch(np.arange(8))
    spec = AugmentationSpec(crop_padding=0, scale_jitter=(0.6, 1.6), photometric=True)
    whole, boxes = detection.augment(images, targets, spec, np.random.default_rng(5), step=(2, 4), part=slice(0, 4))
    rows = torch.tensor([2, 3, 6, 7])
    some, part = detection.augment(
        images[rows], [targets[at] for at in rows], spec, np.random.default_rng(5), step=(2, 4), part=slice(2, 4)
    )
    assert torch.equal(some, whole[rows])
    assert all(torch.equal(one["boxes"], boxes[at]["boxes"]) for one, at in zip(part, rows.tolist(), strict=True))


def test_boxes_come_in_pixels_of_the_training_size(pack: Pack) -> None:
    half, whole = (detection.open_split(pack, Split.VAL, size=(side, side), **HOW) for side in (SIDE // 2, SIDE))
    for small, large in zip(half.boxes, whole.boxes, strict=True):
        torch.testing.assert_close(2 * small, large)


@pytest.mark.slow
def test_detector_learns_the_scenes(tmp_path: Path) -> None:
    """AP50 at least 0.5 above that of the untrained network, which is next to nothing."""
    pack = pack_of(tmp_path, count=300)
    still = {"horizontal_flip": False, "scale_jitter": [1, 1], "photometric": False}
    training = {"epochs": 8, "pairs_per_batch": 4, "augmentation": still}
    optimizer = {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup_epochs": 1}
    spec = spec_of(pack.manifest, method=METHODS[0], training=training, optimizer=optimizer)
    said = run_here(spec, pack, tmp_path / "run")
    curve = [
        message.values["val.ap50"] for message in said if message.type == "metrics" and "val.ap50" in message.values
    ]
    print(json.dumps(curve))
    assert curve[-1] > 0.5 + untrained_ap50(pack)


def untrained_ap50(pack: Pack) -> float:
    spec = spec_of(pack.manifest)
    torch.manual_seed(0)
    model = detection.build_model(spec, pack.manifest)
    samples = detection.open_split(pack, Split.VAL, size=(spec.height, spec.width), **HOW)
    steps = detection.predict(model, samples, activity="predict")
    try:
        while True:
            next(steps)
    except StopIteration as ended:
        return detection.validate(ended.value)["val.ap50"]


@pytest.mark.slow
def test_arms_are_evaluated_compared_and_reported(pack: Pack, tmp_path: Path) -> None:
    spec = spec_of(pack.manifest, method=METHODS[1], model=SSDLITE, training=FEW_STEPS, control=True)
    for arm in ("control", "main"):
        run_here(spec, pack, tmp_path, arm=arm)
        list(evaluation.evaluate(spec, pack=pack, out=tmp_path, arm=arm, device=device.choose()))
    found = Evaluation.model_validate_json((tmp_path / "main" / "evaluation.json").read_bytes())
    split = found.splits["test"]
    assert (split.task, split.samples) == ("detection", pack.manifest.split_size("test"))
    assert split.boxes == sum(pack.manifest.counts["test"].values())
    assert found.against_control is not None
    assert set(found.against_control.figures) == {"ap", "ap50"}
    page = (tmp_path / "main" / "report.html").read_text()
    assert page.count("<img src=") == 2 * min(6, split.samples)
    assert "AP75" in page
    assert all(f"<td>{name}</td>" in page for name in pack.manifest.classes)
