"""The figures against naive references, image by image."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.spec import Evaluation
from tests.trainer.conftest import spec_for
from tests.trainer.runs import run_here
from trainer import calibration, device, evaluation, intervals
from trainer.pack import Pack
from trainer.prediction import Predictions


@pytest.fixture(params=[3, 8])
def logits_and_labels(request):
    random = np.random.default_rng(request.param)
    return random.normal(0, 2, (200, request.param)), random.integers(0, request.param, 200)


def naive_probabilities(logits):
    rows = []
    for row in logits.tolist():
        exponentials = [math.exp(value) for value in row]
        rows.append([value / sum(exponentials) for value in exponentials])
    return rows


def naive_ece(confidences, hits):
    total = 0.0
    for index in range(15):
        inside = [i for i, c in enumerate(confidences) if index / 15 < c <= (index + 1) / 15]
        if inside:
            accuracy = sum(hits[i] for i in inside) / len(inside)
            confidence = sum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / len(hits) * abs(accuracy - confidence)
    return total


def test_figures_agree_with_naive_ones(logits_and_labels) -> None:
    logits, labels = logits_and_labels
    classes = [f"c{index}" for index in range(logits.shape[1])]
    predictions = Predictions.of(torch.from_numpy(logits), torch.from_numpy(labels))
    found = evaluation.figures(predictions, split="test", classes=classes)

    rows = naive_probabilities(logits)
    predicted = [row.index(max(row)) for row in rows]
    hits = [p == y for p, y in zip(predicted, labels, strict=True)]
    target = [row[y] for row, y in zip(rows, labels, strict=True)]
    assert found.samples == 200
    assert found.top1_accuracy == pytest.approx(sum(hits) / 200)
    assert found.nll == pytest.approx(-sum(math.log(p) for p in target) / 200)
    assert found.ece == pytest.approx(naive_ece([max(row) for row in rows], hits))
    assert found.probability_correct == pytest.approx(np.mean([p for p, hit in zip(target, hits, strict=True) if hit]))
    assert found.probability_wrong == pytest.approx(
        np.mean([p for p, hit in zip(target, hits, strict=True) if not hit])
    )
    if len(classes) > 5:
        in_top = [y in sorted(range(len(row)), key=row.__getitem__)[-5:] for row, y in zip(rows, labels, strict=True)]
        assert found.top5_accuracy == pytest.approx(sum(in_top) / 200)
    else:
        assert found.top5_accuracy is None

    for truth, name in enumerate(classes):
        figures = found.per_class[truth]
        mine = [i for i, y in enumerate(labels) if y == truth]
        said = [i for i, p in enumerate(predicted) if p == truth]
        assert (figures.name, figures.samples) == (name, len(mine))
        assert figures.recall == pytest.approx(sum(hits[i] for i in mine) / len(mine))
        assert figures.precision == pytest.approx(sum(hits[i] for i in said) / len(said))
        for prediction in range(len(classes)):
            assert found.confusion[truth][prediction] == sum(predicted[i] == prediction for i in mine)

    for name, (low, high) in found.confidence_intervals.items():
        assert low < high
        if name != "ece":
            assert low <= getattr(found, name) <= high


def test_split_without_a_class_and_perfect_predictions_have_no_figure_instead_of_nan() -> None:
    labels = np.array([0, 0, 2])
    predictions = Predictions.of(10 * torch.eye(3, dtype=torch.float64)[labels], torch.from_numpy(labels))
    found = evaluation.figures(predictions, split="val", classes=["a", "b", "c"], calibration=False)
    assert found.top1_accuracy == 1
    assert found.probability_wrong is None
    assert found.per_class[1].recall is None
    assert found.per_class[1].precision is None
    assert found.ece is None
    assert "ece" not in found.confidence_intervals
    assert found.confidence_intervals["top1_accuracy"][1] == 1


@given(st.lists(st.tuples(st.floats(1e-6, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_agrees_with_a_naive_one(pairs) -> None:
    confidences, hits = zip(*pairs, strict=True)
    found = calibration.expected_calibration_error(np.array(confidences), np.array(hits))
    assert found == pytest.approx(naive_ece(confidences, hits), abs=1e-9)


# Newcombe 1998, table I, method 3 (Wilson score, no continuity correction)
@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_interval_is_as_published(successes: int, trials: int, expected: tuple[float, float]) -> None:
    assert intervals.wilson(successes, trials) == pytest.approx(expected, abs=1e-4)


def test_bootstrap_interval_of_a_mean_is_the_normal_one_and_repeatable() -> None:
    values = np.random.default_rng(0).normal(0, 1, 400)

    def mean(rows):
        return float(values[rows].mean())

    low, high = intervals.bootstrap(400, mean)
    assert (low, high) == intervals.bootstrap(400, mean)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_evaluation_reads_the_weights_and_reports_both_splits(digits: Pack, tmp_path: Path) -> None:
    spec = spec_for(digits, evaluation={"robustness": ["fgsm", "corruptions"]})
    run_here(spec, digits, tmp_path)
    run_here(spec, digits, tmp_path, arm="control")
    for arm, method in (("main", "patch_swap"), ("control", "cross_entropy")):
        *_, done = evaluation.evaluate(spec, pack=digits, out=tmp_path, arm=arm, device=device.choose())
        found = Evaluation.model_validate_json((tmp_path / done.files["evaluation"]).read_bytes())
        assert (found.arm, found.method) == (arm, method)
        assert {name: split.samples for name, split in found.splits.items()} == {"val": 20, "test": 30}
        assert found.images_seen == 2 * 16 * 6
        assert found.parameters == 272_186
        robustness = found.splits["test"].robustness
        assert [strength["epsilon"] for strength in robustness["fgsm"]["strengths"]] == [1 / 255, 2 / 255, 4 / 255]
        assert {len(row) for row in robustness["corruptions"]["top1_accuracy"].values()} == {5}
        assert found.splits["val"].robustness == {}
        val_in_training = json.loads((tmp_path / arm / "train.json").read_text())["metrics"]
        assert found.splits["val"].top1_accuracy == val_in_training["val.top1_accuracy"]
        assert found.splits["val"].nll == pytest.approx(val_in_training["val.nll"])


def test_macs_of_a_convolution_are_counted() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8 * 64, 5))
    assert evaluation.count_macs(model, (3, 8, 8)) == 8 * 8 * 8 * 3 * 9 + 8 * 64 * 5
