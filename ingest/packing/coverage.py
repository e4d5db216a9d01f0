"""Which classes a split does not have: what nothing teaches, and what no figure measures. One finding for each kind."""

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import BACKGROUND, Split
from ingest.findings import Findings
from ingest.packing.splits import Splits
from ingest.packing.staging import Columns

_SHOWN = 10
UNBALANCED_FROM = 3  # times as many training images of the largest class as of the smallest


def tell(columns: Columns, decided: Splits, findings: Findings) -> None:
    """Findings for classes without training images, with a single one, and without held-out images."""
    held_out_split = Split.TEST if (decided == Split.TEST).any() else Split.VAL
    training = columns.presence.images_with(decided == Split.TRAIN)
    held_out = columns.presence.images_with(decided == held_out_split)
    kept = np.array([name.casefold() != BACKGROUND for name in columns.classes])
    where = held_out_split.name.lower()
    _tell_untaught(columns, training, held_out, where, findings)
    if alone := _names(columns, (training == 1) & kept):
        message = f"{_called(alone)} one training image and cannot form a pair: patch swap skips them."
        findings.add("warning", "class_single_image", message, fix="Add at least one more image of each.")
    if unmeasured := _names(columns, (held_out == 0) & (training > 0) & kept):
        message = f"{_called(unmeasured)} no image in {where}: the figures say nothing about them."
        fix = f"Add images of them to {where}, or raise `--{where}` if the splits are made here."
        findings.add("warning", "class_without_test", message, fix=fix)
    if columns.marks_sha256 is None:
        _tell_balance(columns, training, findings)


def _tell_untaught(
    columns: Columns, training: NDArray[np.int64], held_out: NDArray[np.int64], where: str, findings: Findings
) -> None:
    shown = _names(columns, (training == 0) & (held_out > 0))
    if shown:
        lost = int(held_out[training == 0].sum())
        message = f"{_called(shown)} no training image: {lost} images in {where} can only be counted as wrong."
        fix = f"Move some of its images to train, rename it with `--map '{shown[0]}=CLASS'`, or `--drop '{shown[0]}'`."
        findings.add("warning", "class_without_training", message, fix=fix)
    unused = _names(columns, (training == 0) & (held_out == 0))
    if unused:
        message = f"{_called(unused)} no image at all, so nothing can be learned about them."
        findings.add(
            "warning",
            "class_without_images",
            message,
            fix="Remove them from the list of classes, or label some images.",
        )


def _tell_balance(columns: Columns, training: NDArray[np.int64], findings: Findings) -> None:
    """Of labels only: an image with masks or boxes is not of one class."""
    taught = np.flatnonzero(training)
    if not len(taught):
        return
    largest, smallest = (int(taught[choose(training[taught])]) for choose in (np.argmax, np.argmin))
    most, least = int(training[largest]), int(training[smallest])
    if most < UNBALANCED_FROM * least:
        return
    names = columns.classes
    message = (
        f"The class {names[largest]!r} has {most} training images, {names[smallest]!r} has {least}: "
        f"{most / least:.1f} times as many."
    )
    fix = (
        f"Add images of {names[smallest]!r}, or train with `--set training.class_balance=sampler`, which draws every "
        "class equally often."
    )
    findings.add("info", "classes_unbalanced", message, fix=fix)


def _names(columns: Columns, chosen: NDArray[np.bool_]) -> list[str]:
    return [columns.classes[at] for at in np.flatnonzero(chosen).tolist()]


def _called(classes: list[str]) -> str:
    """`the class 'a' has`, `3 classes ('a', 'b', 'c') have`."""
    if len(classes) == 1:
        return f"the class {classes[0]!r} has"
    more = ", ..." if len(classes) > _SHOWN else ""
    return f"{len(classes)} classes ({', '.join(map(repr, classes[:_SHOWN]))}{more}) have"
