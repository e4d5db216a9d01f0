"""The figures of masks are those of torchmetrics, whatever batches they come in."""

import numpy as np
import pytest
import torch

from contract.pack.manifest import IGNORE
from trainer.machine.torchmetrics import classification
from trainer.tasks.segmentation import figures
from trainer.tasks.segmentation.predictions import MaskPredictions

CLASSES = 4


@pytest.fixture(scope="module")
def said() -> tuple[torch.Tensor, torch.Tensor]:
    """Six images that show three of four classes; the fourth is predicted nowhere."""
    random = torch.manual_seed(0)
    masks = torch.randint(0, 3, (6, 3, 3), generator=random).repeat_interleave(5, 1).repeat_interleave(5, 2)
    logits = torch.randn(6, CLASSES, 15, 15, generator=random)
    logits += 2 * torch.nn.functional.one_hot(masks, CLASSES).permute(0, 3, 1, 2)
    logits[:, 3] -= 100
    masks[:, :2] = IGNORE
    return logits, masks.to(torch.uint8)


@pytest.fixture(scope="module")
def found(said: tuple[torch.Tensor, torch.Tensor]) -> MaskPredictions:
    logits, masks = said
    return MaskPredictions.joined(
        [MaskPredictions.of(logits[:4], masks[:4]), MaskPredictions.of(logits[4:], masks[4:])]
    )


def test_figures_are_torchmetrics(said: tuple[torch.Tensor, torch.Tensor], found: MaskPredictions):
    logits, masks = said
    labels, probabilities = masks.long(), logits.softmax(1)
    ious = classification.MulticlassJaccardIndex(CLASSES, average="none", ignore_index=IGNORE)(logits, labels)
    accuracy = classification.MulticlassAccuracy(CLASSES, average="micro", ignore_index=IGNORE)(logits, labels)
    error = classification.MulticlassCalibrationError(CLASSES, n_bins=15, ignore_index=IGNORE)(probabilities, labels)
    result = figures.of(found, split="test", classes=list("abcd"))
    assert [row.iou for row in result.per_class[:3]] == pytest.approx(ious[:3].tolist())
    assert result.per_class[3].iou is None
    assert result.mean_iou == pytest.approx(ious[:3].mean().item())
    assert result.pixel_accuracy == pytest.approx(accuracy.item())
    assert result.ece == pytest.approx(error.item(), abs=1e-5)
    kept = masks != IGNORE
    nll = torch.nn.functional.cross_entropy(logits.permute(0, 2, 3, 1)[kept], labels[kept])
    assert result.nll == pytest.approx(nll.item(), rel=1e-5)
    assert np.sum(result.confusion) == kept.sum().item() == sum(row.pixels for row in result.per_class)
    for name, (low, high) in result.confidence_intervals.items():
        assert low <= high, name
    low, high = result.confidence_intervals["mean_iou"]
    assert low < result.mean_iou < high


def test_predictions_survive_their_file(found: MaskPredictions):
    again = MaskPredictions.of_bytes(found.to_bytes())
    for name in MaskPredictions.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_a_net_against_itself_is_noise_and_against_a_worse_one_wins(
    said: tuple[torch.Tensor, torch.Tensor], found: MaskPredictions
):
    logits, masks = said
    worse = MaskPredictions.of(logits.roll(1, dims=1), masks)
    options = {"split": "test", "calibrated": True, "equal_images_seen": True}
    same = figures.compare(found, found, **options)
    assert (same.verdict, same.figures["mean_iou"].interval) == ("noise", (0.0, 0.0))
    better = figures.compare(found, worse, **options)
    assert better.verdict == "main"
    assert better.figures["mean_iou"].difference > 0.3
    with pytest.raises(ValueError, match="other images"):
        figures.compare(found, MaskPredictions.of(logits, masks.flip(0)), **options)


def test_a_split_without_a_judged_pixel_has_figures_of_nothing():
    nobody = torch.full((2, 6, 6), IGNORE, dtype=torch.uint8)
    found = MaskPredictions.of(torch.randn(2, CLASSES, 6, 6), nobody)
    result = figures.of(found, split="test", classes=list("abcd"))
    assert (result.mean_iou, result.pixel_accuracy, result.boundary_f) == (0, 0, None)
