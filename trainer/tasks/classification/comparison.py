"""The method against its control on the same images: differences with intervals, and whether they are more than noise.

Both arms are judged by the same images, so the difference is taken image by image. Accuracy: Newcombe's interval for
pairs; the rest: the bootstrap over images. An interval speaks of the images drawn, not of other seeds.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contract.results.evaluation import AgainstControl, PairedDifference
from trainer.statistics import intervals, reliability
from trainer.tasks.classification.predictions import Predictions


def compare(
    main: Predictions,
    control: Predictions,
    *,
    split: Literal["val", "test"],
    calibrated: bool,
    equal_images_seen: bool,
) -> AgainstControl:
    """Raises ValueError where the two were not asked the same images."""
    if not np.array_equal(main.labels, control.labels):
        raise ValueError("the control was evaluated on other images than the main arm")
    accuracy = _accuracy(main.correct, control.correct)
    low, high = accuracy.interval
    return AgainstControl(
        split=split,
        samples=len(main.labels),
        only_main_right=int((main.correct & ~control.correct).sum()),
        only_control_right=int((~main.correct & control.correct).sum()),
        figures={"top1_accuracy": accuracy} | _others(main, control, calibrated=calibrated),
        verdict="main" if low > 0 else "control" if high < 0 else "noise",
        equal_images_seen=equal_images_seen,
    )


def drop_interval(reference: Predictions, found: Predictions) -> tuple[float, float]:
    """Of top-1 accuracy, by the images that only one of the two has right."""
    lost, won = (int(cell.sum()) for cell in (reference.correct & ~found.correct, ~reference.correct & found.correct))
    return intervals.paired_score(lost, won, len(reference.labels))


def _accuracy(main: NDArray[np.bool_], control: NDArray[np.bool_]) -> PairedDifference:
    cells = [int(cell.sum()) for cell in (main & control, main & ~control, ~main & control, ~main & ~control)]
    return _difference(float(main.mean()), float(control.mean()), intervals.paired_difference(*cells))


def _others(main: Predictions, control: Predictions, *, calibrated: bool) -> dict[str, PairedDifference]:
    nll, brier = main.nll - control.nll, main.brier - control.brier
    statistics: dict[str, intervals.Statistic] = {
        "nll": lambda rows: nll[rows].mean(axis=1),
        "brier": lambda rows: brier[rows].mean(axis=1),
    }
    values = {
        name: (float(x.mean()), float(y.mean()))
        for name, x, y in (
            ("nll", main.nll, control.nll),
            ("brier", main.brier, control.brier),
        )
    }
    if calibrated:
        statistics["ece"] = lambda rows: _calibration_errors(main, rows) - _calibration_errors(control, rows)
        ece = reliability.expected_calibration_error
        values["ece"] = ece(main.confidence, main.correct), ece(control.confidence, control.correct)
    limits = intervals.bootstrap(len(main.labels), statistics)
    return {name: _difference(*pair, limits[name]) for name, pair in values.items()}


def _calibration_errors(arm: Predictions, rows: intervals.Rows) -> NDArray[np.float64]:
    return reliability.equal_width_errors(arm.confidence[rows], arm.correct[rows])


def _difference(main: float, control: float, interval: tuple[float, float]) -> PairedDifference:
    return PairedDifference(main=main, control=control, difference=main - control, interval=interval)
