"""The figures of boxes, whoever found them: the trained network or an exported file.

AP, AP50, AP75, AR and those by size: COCO's, by pycocotools (`trainer.tasks.detection.coco`). ECE: of the scores of
found boxes, a box being right where it is of the class of a true one that it overlaps by half or more, and the surest
to do so. Intervals resample images (100 times: a resample costs an accumulation).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contract.results.evaluation import (
    AgainstControl,
    DetectedClass,
    DetectionSplit,
    Interval,
    PairedDifference,
    PrecisionRecall,
)
from portable.boxes import overlaps
from trainer.data import randomness
from trainer.statistics import reliability
from trainer.tasks.detection import coco
from trainer.tasks.detection.coco import Floats, Matched
from trainer.tasks.detection.predictions import BoxPredictions

RESAMPLES = 100
_AP50, _AP75, _ALL = 0, 5, 0  # places among the IoUs and areas


def of(
    found: BoxPredictions, *, split: Literal["val", "test"], classes: list[str], calibrated: bool = True
) -> DetectionSplit:
    matched = coco.match(found, len(classes))
    precision, recall = matched.precision(), matched.recall()
    right = right_boxes(found) if calibrated and len(found.scores) else None
    scores = found.scores.astype(np.float64)
    return DetectionSplit(
        task="detection",
        split=split,
        samples=len(found.found),
        boxes=len(found.true_labels),
        ap=_mean(precision[..., _ALL]),
        ap50=_mean(precision[_AP50, ..., _ALL]),
        ap75=_mean(precision[_AP75, ..., _ALL]),
        ap_by_size={name: _known(precision[..., area]) for name, area in coco.AREAS.items()},
        ar=_mean(recall[..., _ALL]),
        ar_by_size={name: _known(recall[..., area]) for name, area in coco.AREAS.items()},
        ece=None if right is None else reliability.expected_calibration_error(scores, right),
        confidence_intervals=_intervals(matched),
        per_class=_per_class(found, classes, precision, recall),
        precision_recall=_curves(classes, precision),
        reliability={} if right is None else {"equal_width": reliability.equal_width_bins(scores, right)},
    )


def values(found: BoxPredictions, classes: int) -> dict[str, float]:
    precision = coco.match(found, classes).precision()
    return {"ap": _mean(precision[..., _ALL]), "ap50": _mean(precision[_AP50, ..., _ALL])}


def compare(
    main: BoxPredictions,
    control: BoxPredictions,
    *,
    split: Literal["val", "test"],
    calibrated: bool,  # noqa: ARG001 - of boxes only precision is compared
    equal_images_seen: bool,
) -> AgainstControl:
    """Raises ValueError where the two were not asked the same images."""
    same = np.array_equal(main.true, control.true) and np.array_equal(main.true_labels, control.true_labels)
    if not same or not np.array_equal(main.true_boxes, control.true_boxes):
        raise ValueError("the control was evaluated on other images than the main arm")
    ours, theirs = _matched_alike(main, control)
    resampled = [_resampled(matched) for matched in (ours, theirs)]
    whole = [_headline(matched.precision()) for matched in (ours, theirs)]
    figures = {}
    for place, name in enumerate(("ap", "ap50")):
        low, high = np.percentile(resampled[0][:, place] - resampled[1][:, place], [2.5, 97.5])
        first, second = whole[0][place], whole[1][place]
        figures[name] = PairedDifference(
            main=first, control=second, difference=first - second, interval=(float(low), float(high))
        )
    low, high = figures["ap"].interval
    return AgainstControl(
        split=split,
        samples=len(main.found),
        only_main_right=None,
        only_control_right=None,
        figures=figures,
        verdict="main" if low > 0 else "control" if high < 0 else "noise",
        equal_images_seen=equal_images_seen,
    )


def drop_interval(reference: BoxPredictions, found: BoxPredictions) -> tuple[float, float]:
    """Of AP, by resampled images."""
    first, second = (_resampled(matched)[:, 0] for matched in _matched_alike(reference, found))
    low, high = np.percentile(first - second, [2.5, 97.5])
    return float(low), float(high)


def _matched_alike(*found: BoxPredictions) -> list[Matched]:
    """All with as many classes as any of them names."""
    labels = [labels for each in found for labels in (each.labels, each.true_labels)]
    classes = max(int(each.max(initial=0)) for each in labels) + 1
    return [coco.match(each, classes) for each in found]


def right_boxes(found: BoxPredictions) -> NDArray[np.bool_]:
    """Which found boxes are the surest of a true one's class that overlap it by half or more, (n,)."""
    right = np.zeros(len(found.scores), bool)
    for place in range(len(found.found)):
        ours, true = found.image(place)
        fits = overlaps(found.boxes[ours], found.true_boxes[true]) >= 0.5
        fits &= found.labels[ours][:, None] == found.true_labels[true][None]
        free = np.ones(fits.shape[1], bool)
        for number in range(len(fits)):
            candidates = np.flatnonzero(fits[number] & free)
            if len(candidates):
                free[candidates[0]] = False
                right[ours.start + number] = True
    return right


def _intervals(matched: Matched) -> dict[str, Interval]:
    limits = np.percentile(_resampled(matched), [2.5, 97.5], axis=0)
    return {name: (float(limits[0, at]), float(limits[1, at])) for at, name in enumerate(("ap", "ap50"))}


def _resampled(matched: Matched) -> Floats:
    """AP and AP50 of resampled images, (RESAMPLES, 2); the same images for whoever asks."""
    random = randomness.generator(0, randomness.Stream.BOOTSTRAP)
    rows_RN = random.integers(matched.images, size=(RESAMPLES, matched.images))
    return np.array([_headline(matched.precision(rows)) for rows in rows_RN])


def _headline(precision: Floats) -> tuple[float, float]:
    return _mean(precision[..., _ALL]), _mean(precision[_AP50, ..., _ALL])


def _per_class(found: BoxPredictions, classes: list[str], precision: Floats, recall: Floats) -> list[DetectedClass]:
    return [
        DetectedClass(
            name=name,
            boxes=int((found.true_labels == label).sum()),
            ap=_known(precision[:, :, label, _ALL]),
            ap50=_known(precision[_AP50, :, label, _ALL]),
            ar=_known(recall[:, label, _ALL]),
        )
        for label, name in enumerate(classes)
    ]


def _curves(classes: list[str], precision: Floats) -> list[PrecisionRecall]:
    """At IoU 0.5, at 21 of the 101 recalls; none of a class without true boxes."""
    return [
        PrecisionRecall(name=name, recall=np.linspace(0, 1, 21).tolist(), precision=curve.tolist())
        for label, name in enumerate(classes)
        if (curve := precision[_AP50, ::5, label, _ALL]).min() >= 0
    ]


def _known(values: Floats) -> float | None:
    """The mean of what there is to measure; None where there is nothing."""
    kept = values[values > -1]
    return float(kept.mean()) if len(kept) else None


def _mean(values: Floats) -> float:
    return _known(values) or 0.0
