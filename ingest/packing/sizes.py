"""What a pack says of the sizes of its images and boxes, from which a training's image size is chosen."""

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import BoxSizes, Split
from ingest.marks import to_boxes
from ingest.packing.splits import Splits
from ingest.packing.staging import Columns, Staging

TELLING_BOXES = 10  # of a class; fewer have no tenth
_PERCENTILES = (5, 50, 95)


def aspects(columns: Columns, rows: NDArray[np.intp]) -> tuple[float, float, float]:
    """Width by height of the images: narrow, median, wide."""
    low, middle, high = np.percentile(columns.width[rows] / columns.height[rows], _PERCENTILES)
    return round(float(low), 4), round(float(middle), 4), round(float(high), 4)


def boxes(staging: Staging, columns: Columns, splits: Splits) -> BoxSizes | None:
    """Of the training boxes of the class whose smallest tenth is the smallest; None where there are none.

    Of classes with fewer than `TELLING_BOXES` boxes nothing is said, unless all are such: then all count together.
    """
    found = _Sides.of(staging, columns, splits)
    if not len(found.labels):
        return None
    many = np.flatnonzero(np.bincount(found.labels) >= TELLING_BOXES)
    chosen = [found.labels == label for label in many] or [np.ones(len(found.labels), bool)]
    shares = [float(np.percentile(found.shares[of_class], 10)) for of_class in chosen]
    smallest = chosen[int(np.argmin(shares))]
    return BoxSizes(
        class_name=columns.classes[int(found.labels[smallest][0])] if len(many) else "all classes",
        tenth_px=round(float(np.percentile(found.px[smallest], 10)), 2),
        tenth_share=float(f"{min(shares):.4g}"),
    )


@dataclass(frozen=True)
class _Sides:
    """The shorter sides of N boxes."""

    px: NDArray[np.float32]
    shares: NDArray[np.float32]  # of the longer side of the image
    labels: NDArray[np.int32]

    @classmethod
    def of(cls, staging: Staging, columns: Columns, splits: Splits) -> "_Sides":
        """Of the training images; only after `Staging.columns`."""
        px, shares, labels = array("f"), array("f"), array("i")  # of a million images, lists of arrays would not do
        for row in np.flatnonzero(splits == Split.TRAIN).tolist():
            corners_N4, labels_N = to_boxes(staging.marks(row))  # noqa: N806 - shape suffixes
            shorter_N = np.minimum(*(corners_N4[:, 2:] - corners_N4[:, :2]).T)  # noqa: N806
            px.frombytes(shorter_N.tobytes())
            shares.frombytes((shorter_N / max(int(columns.height[row]), int(columns.width[row]))).tobytes())
            labels.frombytes(labels_N.tobytes())
        return cls(np.frombuffer(px, np.float32), np.frombuffer(shares, np.float32), np.frombuffer(labels, np.int32))
