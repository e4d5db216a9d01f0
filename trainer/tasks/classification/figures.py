"""The figures of a set of predictions, whoever made them: the trained network or an exported file.

top-1, top-5: fractions; NLL: nats. Brier: the squared distance between the probabilities and the truth, summed over
the classes (Brier 1950), mean over samples. p(target) of right and of wrong samples: the paper's Figure 2 [V, its
caption].
Calibration and AURC are in `trainer.statistics`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from contract.results.evaluation import ClassFigures, Interval, SplitEvaluation, SuperclassErrors
from trainer.statistics import intervals, reliability, risk_coverage
from trainer.tasks.classification.predictions import TOP, Predictions


def of(
    found: Predictions,
    *,
    split: Literal["val", "test"],
    classes: list[str],
    calibrated: bool = True,
    superclass_of: Mapping[str, str] | None = None,
) -> SplitEvaluation:
    correct, confidence = found.correct, found.confidence
    many_classes = len(classes) > TOP
    confusion = _confusion(found, len(classes))
    return SplitEvaluation(
        split=split,
        samples=len(found.labels),
        top1_accuracy=float(correct.mean()),
        top5_accuracy=float(found.in_top.mean()) if many_classes else None,
        nll=float(found.nll.mean()),
        brier=float(found.brier.mean()),
        ece=reliability.expected_calibration_error(confidence, correct) if calibrated else None,
        ece_equal_mass=reliability.equal_mass_error(confidence, correct) if calibrated else None,
        aurc=risk_coverage.aurc(confidence, correct),
        eaurc=risk_coverage.excess_aurc(confidence, correct),
        probability_correct=_mean(found.probability[correct]),
        probability_wrong=_mean(found.probability[~correct]),
        confidence_wrong=_mean(confidence[~correct]),
        confidence_intervals=_intervals(found, many_classes=many_classes, calibrated=calibrated),
        per_class=_per_class(found, classes, confusion, superclass_of or {}),
        confusion=confusion.tolist(),
        reliability={
            "equal_width": reliability.equal_width_bins(confidence, correct),
            "equal_mass": reliability.equal_mass_bins(confidence, correct),
        }
        if calibrated
        else {},
        superclass_errors=errors_within_superclasses(confusion, [superclass_of[name] for name in classes])
        if superclass_of
        else None,
        robustness={},
    )


def _intervals(found: Predictions, *, many_classes: bool, calibrated: bool) -> dict[str, Interval]:
    order = reliability.sorting(found.confidence, found.correct)
    confidence, nll, brier = (x[order] for x in (found.confidence, found.nll, found.brier))
    correct = found.correct[order]
    errors = risk_coverage.shared_errors(confidence, correct)
    statistics: dict[str, intervals.Statistic] = {
        "nll": lambda rows: nll[rows].mean(axis=1),
        "brier": lambda rows: brier[rows].mean(axis=1),
        "aurc": lambda rows: risk_coverage.areas(errors[rows]),
    }
    if calibrated:
        statistics |= {
            "ece": lambda rows: reliability.equal_width_errors(confidence[rows], correct[rows]),
            "ece_equal_mass": lambda rows: reliability.equal_mass_errors(confidence[rows], correct[rows]),
        }
    count = len(correct)
    limits = {"top1_accuracy": intervals.wilson(int(correct.sum()), count)}
    if many_classes:
        limits["top5_accuracy"] = intervals.wilson(int(found.in_top.sum()), count)
    return limits | intervals.bootstrap(count, statistics)


def _per_class(
    found: Predictions, classes: list[str], confusion: Any, superclass_of: Mapping[str, str]
) -> list[ClassFigures]:
    by_truth, by_prediction, hits = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    right = _means_by_class(found, found.correct, len(classes))
    wrong = _means_by_class(found, ~found.correct, len(classes))
    return [
        ClassFigures(
            name=name,
            samples=int(by_truth[label]),
            recall=_ratio(hits[label], by_truth[label]),
            precision=_ratio(hits[label], by_prediction[label]),
            probability_correct=right[label],
            probability_wrong=wrong[label],
            superclass=superclass_of.get(name),
        )
        for label, name in enumerate(classes)
    ]


def _means_by_class(found: Predictions, chosen: Any, classes: int) -> list[float | None]:
    """Mean p(target) of the chosen samples of each class."""
    labels = found.labels[chosen]
    counts = np.bincount(labels, minlength=classes)
    totals = np.bincount(labels, weights=found.probability[chosen], minlength=classes)
    return [_ratio(total, count) for total, count in zip(totals, counts, strict=True)]


def _confusion(found: Predictions, classes: int) -> Any:
    """Counts (K, K): rows are the truth, columns the prediction."""
    return np.bincount(found.labels * classes + found.predicted, minlength=classes**2).reshape(classes, classes)


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def errors_within_superclasses(confusion: Any, superclass_of: list[str]) -> SuperclassErrors:
    """From counts (K, K), truth by prediction, and the super-class of each class."""
    names, numbers = np.unique(superclass_of, return_inverse=True)
    related = numbers[:, None] == numbers[None, :]
    wrong = np.where(np.eye(len(numbers), dtype=bool), 0, confusion)
    total, within = int(wrong.sum()), int(wrong[related].sum())
    by_chance = wrong.sum(axis=1) @ (related.sum(axis=1) - 1) / (len(numbers) - 1)
    return SuperclassErrors(
        superclasses=len(names),
        errors=total,
        within=within,
        share=within / total if total else None,
        share_by_chance=float(by_chance) / total if total else None,
        superclass_accuracy=float(confusion[related].sum() / confusion.sum()),
    )
