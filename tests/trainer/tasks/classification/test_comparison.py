"""Main against control on the same images."""

import numpy as np
import pytest
import torch

from trainer.statistics import reliability
from trainer.tasks.classification import comparison
from trainer.tasks.classification.predictions import Predictions

LABELS = np.arange(120) % 4


def predictions(*, right: np.ndarray, seed: int) -> Predictions:
    """Logits that are right where asked and wrong elsewhere."""
    logits = np.random.default_rng(seed).normal(0, 1, (len(LABELS), 4))
    winner = np.where(right, LABELS, (LABELS + 1) % 4)
    logits[np.arange(len(LABELS)), winner] = logits.max(axis=1) + 1
    return Predictions.of(torch.from_numpy(logits), torch.from_numpy(LABELS))


def compare(main: Predictions, control: Predictions, **changes):
    options = {"split": "test", "calibrated": True, "equal_images_seen": True} | changes
    return comparison.compare(main, control, **options)


def test_better_arm_wins_and_the_figures_are_the_means() -> None:
    order = np.random.default_rng(0).permutation(120)
    main, control = predictions(right=order < 110, seed=1), predictions(right=order < 70, seed=2)
    found = compare(main, control)
    assert (found.verdict, found.only_main_right, found.only_control_right) == ("main", 40, 0)
    accuracy = found.figures["top1_accuracy"]
    assert (accuracy.main, accuracy.control) == (110 / 120, 70 / 120)
    assert accuracy.difference == pytest.approx(1 / 3)
    for name, of in (
        ("nll", lambda arm: arm.nll.mean()),
        ("brier", lambda arm: arm.brier.mean()),
        ("ece", lambda arm: reliability.expected_calibration_error(arm.confidence, arm.correct)),
    ):
        figure = found.figures[name]
        assert figure.difference == pytest.approx(of(main) - of(control))
        assert figure.interval[0] <= figure.interval[1]
    nll = found.figures["nll"]
    half = 1.96 * (main.nll - control.nll).std() / np.sqrt(120)
    assert nll.interval == pytest.approx((nll.difference - half, nll.difference + half), abs=half / 3)
    assert compare(control, main).verdict == "control"


def test_equal_arms_are_noise_and_the_same_net_differs_by_nothing() -> None:
    order = np.random.default_rng(0).permutation(120)
    main, control = predictions(right=order < 90, seed=1), predictions(right=(order < 91) & (order > 0), seed=2)
    assert compare(main, control).verdict == "noise"
    same = compare(main, main, calibrated=False)
    assert same.verdict == "noise"
    assert {figure.difference for figure in same.figures.values()} == {0}
    assert set(same.figures) == {"top1_accuracy", "nll", "brier"}


def test_other_images_are_not_compared() -> None:
    main = predictions(right=LABELS < 3, seed=1)
    other = Predictions.of(
        torch.eye(4, dtype=torch.float64)[LABELS[::-1].copy()], torch.from_numpy(LABELS[::-1].copy())
    )
    with pytest.raises(ValueError, match="other images"):
        compare(main, other)


def test_predictions_come_back_from_a_file() -> None:
    found = predictions(right=LABELS < 2, seed=3)
    again = Predictions.of_bytes(found.to_bytes())
    for name in Predictions.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
