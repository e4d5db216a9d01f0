"""The figures of masks, whoever predicted them: the trained network or an exported file.

mIoU: mean over the classes that truth or prediction shows anywhere of pixels in both over pixels in either, summed over
the split (PASCAL VOC). Pixel accuracy, NLL and ECE (15 bins of equal width): over all pixels but nobody's. Boundary F:
mean over images. Intervals resample images, for the pixels of an image are not drawn one by one.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from contract.results.evaluation import (
    AgainstControl,
    Interval,
    PairedDifference,
    Reliability,
    SegmentationSplit,
    SegmentedClass,
)
from trainer.statistics import intervals
from trainer.statistics.reliability import BINS
from trainer.tasks.segmentation.predictions import Counts, Floats, MaskPredictions

Measure = Callable[[MaskPredictions, Floats], Floats]


def of(
    found: MaskPredictions, *, split: Literal["val", "test"], classes: list[str], calibrated: bool = True
) -> SegmentationSplit:
    figures = values(found, calibrated=calibrated)
    return SegmentationSplit(
        task="segmentation",
        split=split,
        samples=len(found.nll),
        mean_iou=figures["mean_iou"],
        pixel_accuracy=figures["pixel_accuracy"],
        boundary_f=figures.get("boundary_f"),
        nll=figures["nll"],
        ece=figures.get("ece"),
        confidence_intervals=_intervals(found, calibrated=calibrated),
        per_class=_per_class(found, classes),
        confusion=found.confusion.tolist(),
        reliability={"equal_width": _reliability(found)} if calibrated else {},
    )


def values(found: MaskPredictions, *, calibrated: bool = True) -> dict[str, float]:
    """By name, those that there is something to measure of; a split whose pixels are all nobody's has no mIoU: 0."""
    everyone = np.ones((1, len(found.nll)))
    measured = {name: measure(found, everyone) for name, measure in _measures(calibrated=calibrated).items()}
    required = dict.fromkeys(("mean_iou", "pixel_accuracy", "nll"), 0.0)
    return required | {name: value for name, found in measured.items() if (value := _value(found)) is not None}


def compare(
    main: MaskPredictions,
    control: MaskPredictions,
    *,
    split: Literal["val", "test"],
    calibrated: bool,
    equal_images_seen: bool,
) -> AgainstControl:
    """Raises ValueError where the two were not asked the same images."""
    if not np.array_equal(main.truth, control.truth):
        raise ValueError("the control was evaluated on other images than the main arm")
    measures = _measures(calibrated=calibrated)
    limits = intervals.bootstrap(
        len(main.nll),
        {name: _resampled_difference(measure, main, control) for name, measure in measures.items()},
    )
    ours, theirs = values(main, calibrated=calibrated), values(control, calibrated=calibrated)
    figures = {
        name: PairedDifference(
            main=ours[name], control=theirs[name], difference=ours[name] - theirs[name], interval=limits[name]
        )
        for name in ours
        if name in theirs
    }
    low, high = figures["mean_iou"].interval
    return AgainstControl(
        split=split,
        samples=len(main.nll),
        only_main_right=None,
        only_control_right=None,
        figures=figures,
        verdict="main" if low > 0 else "control" if high < 0 else "noise",
        equal_images_seen=equal_images_seen,
    )


def drop_interval(reference: MaskPredictions, found: MaskPredictions) -> tuple[float, float]:
    """Of mIoU, by resampled images."""
    lost = _resampled_difference(_measures(calibrated=False)["mean_iou"], reference, found)
    return intervals.bootstrap(len(found.nll), {"mean_iou": lost})["mean_iou"]


def iou(found: MaskPredictions, weights_RN: Floats) -> Floats:
    """Of each class, (R, K), with so many copies of each image; nan where nobody shows it."""
    both, either = weights_RN @ found.both, weights_RN @ (found.truth + found.predicted - found.both)
    return _ratio(both, either)


def _measures(*, calibrated: bool) -> Mapping[str, Measure]:
    """Figures of weighted images, (R,), by name."""
    found: dict[str, Measure] = {
        "mean_iou": lambda found, weights: _nanmean(iou(found, weights)),
        "pixel_accuracy": lambda found, weights: _ratio(weights @ found.both.sum(axis=1), weights @ found.pixels),
        "boundary_f": _boundary_f,
        "nll": lambda found, weights: _ratio(weights @ found.nll, weights @ found.pixels),
    }
    return found | ({"ece": _calibration_error} if calibrated else {})


def _boundary_f(found: MaskPredictions, weights_RN: Floats) -> Floats:
    known = ~np.isnan(found.boundary_f)
    return _ratio(weights_RN[:, known] @ found.boundary_f[known], weights_RN[:, known].sum(axis=1))


def _calibration_error(found: MaskPredictions, weights_RN: Floats) -> Floats:
    gaps = np.abs(weights_RN @ (found.binned_confidence - found.binned_correct)).sum(axis=1)
    return _ratio(gaps, weights_RN @ found.pixels)


def _intervals(found: MaskPredictions, *, calibrated: bool) -> dict[str, Interval]:
    return intervals.bootstrap(
        len(found.nll),
        {name: _resampled(measure, found) for name, measure in _measures(calibrated=calibrated).items()},
    )


def _resampled(measure: Measure, found: MaskPredictions) -> intervals.Statistic:
    return lambda rows: _known(measure(found, _weights(rows)))


def _resampled_difference(measure: Measure, main: MaskPredictions, control: MaskPredictions) -> intervals.Statistic:
    return lambda rows: _known(measure(main, _weights(rows)) - measure(control, _weights(rows)))


def _weights(rows_RN: Counts) -> Floats:
    """How often each image was drawn in each resample, (R, N)."""
    resamples, images = rows_RN.shape
    cells = rows_RN + images * np.arange(resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=resamples * images).reshape(resamples, images).astype(np.float64)


def _per_class(found: MaskPredictions, classes: list[str]) -> list[SegmentedClass]:
    union = iou(found, np.ones((1, len(found.nll))))[0]
    both, truth, predicted = (column.sum(axis=0) for column in (found.both, found.truth, found.predicted))
    return [
        SegmentedClass(
            name=name,
            pixels=int(truth[label]),
            images=int((found.truth[:, label] > 0).sum()),
            iou=_value(union[label : label + 1]),
            recall=float(both[label] / truth[label]) if truth[label] else None,
            precision=float(both[label] / predicted[label]) if predicted[label] else None,
        )
        for label, name in enumerate(classes)
    ]


def _reliability(found: MaskPredictions) -> Reliability:
    counts = found.binned.sum(axis=0)
    confidence, correct = (
        _ratio(sums.sum(axis=0), counts).tolist() for sums in (found.binned_confidence, found.binned_correct)
    )
    return Reliability(
        edges=np.linspace(0, 1, BINS + 1).tolist(),
        counts=counts.tolist(),
        confidence=[value if count else None for value, count in zip(confidence, counts, strict=True)],
        accuracy=[value if count else None for value, count in zip(correct, counts, strict=True)],
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part by whole, nan where there is nothing to be a share of."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) != 0)


def _nanmean(values_RK: Floats) -> Floats:
    known = ~np.isnan(values_RK)
    return _ratio(np.where(known, values_RK, 0).sum(axis=1), known.sum(axis=1))


def _known(values_R: Floats) -> Floats:
    """A resample may show nothing to measure; it counts as zero."""
    return np.nan_to_num(values_R)


def _value(values: Floats) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])
