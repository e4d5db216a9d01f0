"""The figures against naive references, image by image."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.pack.manifest import Split
from contract.results.evaluation import Evaluation
from tests.trainer.conftest import spec_for
from tests.trainer.report.test_page import check_self_contained
from tests.trainer.runs import run_here
from trainer import evaluation, models
from trainer.data.pack import Pack
from trainer.machine import device
from trainer.statistics import intervals, reliability
from trainer.tasks.classification import figures
from trainer.tasks.classification.predictions import Predictions


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
    found = figures.of(predictions, split="test", classes=classes)

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
        row = found.per_class[truth]
        mine = [i for i, y in enumerate(labels) if y == truth]
        said = [i for i, p in enumerate(predicted) if p == truth]
        assert (row.name, row.samples) == (name, len(mine))
        assert row.recall == pytest.approx(sum(hits[i] for i in mine) / len(mine))
        assert row.precision == pytest.approx(sum(hits[i] for i in said) / len(said))
        for prediction in range(len(classes)):
            assert found.confusion[truth][prediction] == sum(predicted[i] == prediction for i in mine)

        of_class = [target[i] for i in mine if not hits[i]]
        assert row.probability_wrong == pytest.approx(sum(of_class) / len(of_class))

    squares = [sum((p - (k == y)) ** 2 for k, p in enumerate(row)) for row, y in zip(rows, labels, strict=True)]
    assert found.brier == pytest.approx(sum(squares) / 200)
    assert found.confidence_wrong == pytest.approx(
        np.mean([max(row) for row, hit in zip(rows, hits, strict=True) if not hit])
    )
    for name, (low, high) in found.confidence_intervals.items():
        assert low < high
        if "ece" not in name:
            assert low <= getattr(found, name) <= high


def test_split_without_a_class_and_perfect_predictions_have_no_figure_instead_of_nan() -> None:
    labels = np.array([0, 0, 2])
    predictions = Predictions.of(10 * torch.eye(3, dtype=torch.float64)[labels], torch.from_numpy(labels))
    found = figures.of(predictions, split="val", classes=["a", "b", "c"], calibrated=False)
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
    found = reliability.expected_calibration_error(np.array(confidences), np.array(hits))
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
    statistics = {"mean": lambda rows: values[rows].mean(axis=1)}
    (low, high) = intervals.bootstrap(400, statistics)["mean"]
    assert (low, high) == intervals.bootstrap(400, statistics)["mean"]
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_large_samples_are_resampled_in_blocks_of_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "CELLS", 1000)
    blocks = list(intervals._resamples(30))
    assert sum(len(rows) for rows in blocks) == intervals.RESAMPLES
    assert {rows.shape[1] for rows in blocks} == {30}
    assert max(rows.size for rows in blocks) <= 1000
    assert all((np.diff(rows, axis=1) >= 0).all() for rows in blocks)


def test_paired_interval_covers_what_it_should() -> None:
    """Of 400 draws from a known pair of correlated nets, about 95 % of the intervals hold the true difference."""
    shares, random = [0.6, 0.18, 0.1, 0.12], np.random.default_rng(0)  # both, only first, only second, neither
    draws = random.multinomial(80, shares, 400)
    inside = [low <= 0.08 <= high for low, high in (intervals.paired_difference(*cells) for cells in draws.tolist())]
    assert 0.92 <= np.mean(inside) <= 0.985


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any))
def test_paired_interval_holds_the_estimate_and_turns_with_its_sides(cells) -> None:
    both, first, second, neither = cells
    low, high = intervals.paired_difference(*cells)
    estimate = (first - second) / sum(cells)
    assert -1 - 1e-9 <= low <= estimate + 1e-9
    assert estimate - 1e-9 <= high <= 1 + 1e-9
    assert (-high, -low) == pytest.approx(intervals.paired_difference(both, second, first, neither), abs=1e-9)


def naive_wilson(successes: int, trials: int) -> tuple[float, float]:
    """The shares that the score test does not refuse: roots of (p - share)^2 = z^2 share (1 - share) / n."""
    z2, share = intervals.Z_95**2 / trials, successes / trials
    low, high = sorted(np.roots([1 + z2, -2 * share - z2, share**2]).real)
    return low, high


@pytest.mark.parametrize(("cells", "correction"), [((30, 20, 25, 5), 0), ((60, 12, 6, 40), 59), ((3, 9, 1, 2), 0)])
def test_paired_interval_is_newcombes(cells: tuple[int, ...], correction: float) -> None:
    """From the answers one by one; the correction takes n / 2 off a positive covariance, by Newcombe's method 10."""
    first = np.repeat([1, 1, 0, 0], cells)
    second = np.repeat([1, 0, 1, 0], cells)
    trials = len(first)
    covariance = trials * (first @ second) - first.sum() * second.sum()
    phi = (covariance - correction) / (trials**2 * first.std() * second.std())
    (low1, high1), (low2, high2) = naive_wilson(first.sum(), trials), naive_wilson(second.sum(), trials)
    below = np.array([first.mean() - low1, high2 - second.mean()])
    above = np.array([high1 - first.mean(), second.mean() - low2])
    turn = np.array([[1, -phi], [-phi, 1]])
    difference = first.mean() - second.mean()
    expected = difference - np.sqrt(below @ turn @ below), difference + np.sqrt(above @ turn @ above)
    assert intervals.paired_difference(*cells) == pytest.approx(expected)


def test_few_images_that_tell_the_arms_apart_are_noise() -> None:
    assert intervals.paired_difference(20, 3, 0, 7)[0] < 0
    assert intervals.paired_difference(20, 30, 5, 45)[0] > 0


def test_evaluation_reads_the_weights_and_reports_both_splits(digits: Pack, tmp_path: Path) -> None:
    spec = spec_for(digits, control=True, evaluation={"robustness": ["fgsm", "corruptions"]})
    run_here(spec, digits, tmp_path)
    run_here(spec, digits, tmp_path, arm="control")
    for arm, method in (("control", "cross_entropy"), ("main", "patch_swap")):
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
        assert [one.epoch for one in found.gradient_l1] == [1, 2]
        assert found.layer_gradients[-1].layer == "fc"
        assert found.peak_memory_bytes > 0
        assert (found.against_control is None) == (arm == "control")
        check_rows(pq.read_table(tmp_path / arm / "predictions.parquet").to_pylist(), found, digits)
    check_self_contained((tmp_path / done.files["report"]).read_text())
    compared, control = found.against_control, tmp_path / "control"
    assert compared.equal_images_seen
    theirs = Evaluation.model_validate_json((control / "evaluation.json").read_bytes()).splits["test"]
    for name, figure in compared.figures.items():
        assert figure.main == pytest.approx(getattr(found.splits["test"], name))
        assert figure.control == pytest.approx(getattr(theirs, name))
    assert not (control / "report.html").exists()
    assert found.selection.metric == "val.top1_accuracy"
    assert found.selection.main == found.splits["val"].top1_accuracy


def check_rows(rows: list[dict], found: Evaluation, pack: Pack) -> None:
    """Single images, summed up, are what the evaluation says."""
    for name, split in found.splits.items():
        of_split = [row for row in rows if row["split"] == name]
        assert [row["index"] for row in of_split] == pack.rows(Split[name.upper()]).tolist()
        assert np.mean([not row["error"] for row in of_split]) == pytest.approx(split.top1_accuracy)
        assert np.mean([row["loss"] for row in of_split]) == pytest.approx(split.nll)
        labels = [pack.manifest.classes[pack.labels[row["index"]]] for row in of_split]
        assert [row["label"] for row in of_split] == labels
        assert [row["label"] != row["predicted"] for row in of_split] == [row["error"] for row in of_split]
    assert [row["path"] for row in rows] == [pack.table["path"][row["index"]].as_py() for row in rows]


def test_job_that_leaves_the_test_split_unread_is_reported_on_validation(digits: Pack, tmp_path: Path) -> None:
    spec = spec_for(digits, evaluation={"test": False}, method={"name": "label_smoothing"}, exports=[])
    unread = digits.without_test()
    run_here(spec, unread, tmp_path)
    *_, done = evaluation.evaluate(spec, pack=unread, out=tmp_path, arm="main", device=device.choose())
    page = (tmp_path / done.files["report"]).read_text()
    check_self_contained(page)
    assert "slightly too good" in page
    assert "What the method does" not in page


def test_macs_of_a_convolution_are_counted() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8 * 64, 5))
    assert models.count_macs(model, (3, 8, 8)) == 8 * 8 * 8 * 3 * 9 + 8 * 64 * 5
