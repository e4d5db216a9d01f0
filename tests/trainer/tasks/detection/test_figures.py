"""COCO's figures of boxes that are known to be right, wrong or missing, and their calibration."""

import numpy as np
import pytest

from trainer.tasks.detection import coco, figures
from trainer.tasks.detection.predictions import BoxPredictions

CLASSES = ["cat", "dog"]


def truth(random: np.random.Generator, images: int) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for _ in range(images):
        corner = random.uniform(0, 60, (2, 2))
        boxes = np.concatenate([corner, corner + random.uniform(10, 39, (2, 2))], axis=1).astype(np.float32)
        found.append((boxes, random.permutation(2).astype(np.int64)))
    return found


def predictions(images: int = 12, *, shift: float = 0, wrong: int = 0, seed: int = 0) -> BoxPredictions:
    """Every true box found, moved by `shift` pixels; the first `wrong` images call it by the other class."""
    random = np.random.default_rng(seed)
    there = truth(random, images)
    answers = [
        (boxes + np.float32(shift), np.array([0.9, 0.8], np.float32), (1 - labels if at < wrong else labels))
        for at, (boxes, labels) in enumerate(there)
    ]
    return BoxPredictions.of(answers, there)


def test_all_found_is_one_and_nothing_found_is_zero() -> None:
    best = figures.of(predictions(), split="test", classes=CLASSES)
    assert (best.ap, best.ap50, best.ap75, best.ar) == (1, 1, 1, 1)
    assert best.ap_by_size["large"] is None
    assert (best.samples, best.boxes) == (12, 24)
    empty = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    nothing = BoxPredictions.of([empty] * 12, truth(np.random.default_rng(0), 12))
    worst = figures.of(nothing, split="test", classes=CLASSES)
    assert (worst.ap, worst.ar, worst.ece) == (0, 0, None)


def test_shifted_boxes_lose_the_strict_thresholds_first() -> None:
    found = figures.of(predictions(shift=2), split="val", classes=CLASSES)
    assert found.ap50 == 1
    assert found.ap < found.ap50
    assert found.ap75 < 1
    low, high = found.confidence_intervals["ap"]
    assert low <= found.ap <= high


def test_wrong_classes_cost_precision_and_calibration() -> None:
    good, poor = (figures.of(predictions(wrong=wrong), split="test", classes=CLASSES) for wrong in (0, 6))
    assert poor.ap50 < 0.8 < good.ap50
    assert poor.ece is not None
    assert poor.ece > good.ece == pytest.approx(0.15)
    assert poor.reliability["equal_width"].counts[12:14] == [12, 12]


def test_resampling_the_images_once_each_changes_nothing() -> None:
    found = predictions(wrong=3, shift=1)
    matched = coco.match(found, 2)
    np.testing.assert_array_equal(matched.precision(np.arange(12)), matched.precision())
    wrong_only = np.arange(3).repeat(4)  # the images whose boxes are called by the other class
    assert matched.precision(wrong_only)[0, :, :, 0].max() < 0.5 < matched.precision()[0, :, :, 0].mean()


def test_second_box_on_one_object_is_wrong() -> None:
    there = [(np.array([[10, 10, 30, 30]], np.float32), np.array([0]))]
    twice = np.repeat(there[0][0], 2, axis=0)
    found = BoxPredictions.of([(twice, np.array([0.9, 0.8], np.float32), np.array([0, 0]))], there)
    assert figures.right_boxes(found).tolist() == [True, False]


def test_comparison_is_of_the_same_images() -> None:
    better, worse = predictions(), predictions(wrong=8)
    found = figures.compare(better, worse, split="test", calibrated=True, equal_images_seen=True)
    assert found.verdict == "main"
    assert found.figures["ap"].difference == pytest.approx(found.figures["ap"].main - found.figures["ap"].control)
    same = figures.compare(better, better, split="test", calibrated=True, equal_images_seen=True)
    assert (same.verdict, same.figures["ap"].interval) == ("noise", (0, 0))
    with pytest.raises(ValueError, match="other images"):
        figures.compare(better, predictions(seed=9), split="test", calibrated=True, equal_images_seen=True)


def test_predictions_survive_their_file() -> None:
    found = predictions(shift=1)
    again = BoxPredictions.of_bytes(found.to_bytes())
    for name in BoxPredictions.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
