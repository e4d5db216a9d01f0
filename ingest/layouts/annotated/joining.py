"""Two files about one image that complete each other: `labels/insulator/7.xml` and `labels/defect/7.xml`."""

import numpy as np
from numpy.typing import NDArray

from ingest.layouts.annotated.pages import Page

_SAME_OBJECT = 0.5  # of the union of two boxes that they share: then two files name one object differently


def complete_each_other(one: Page, other: Page) -> bool:
    """Whether two files hold boxes of different classes, none of which is a box of the other."""
    if one.path == other.path or one.regions or other.regions or not one.labels or not other.labels:
        return False
    stated_alike = (one.size, one.relative, one.kind) == (other.size, other.relative, other.kind)
    if not stated_alike or one.fault or other.fault or set(one.labels) & set(other.labels):
        return False
    return one.kind == "corners" and not (_overlaps(_boxes(one), _boxes(other)) >= _SAME_OBJECT).any()


def join(kept: Page, other: Page) -> None:
    """Give one page the boxes of both."""
    kept.labels = [*kept.labels, *other.labels]
    kept.boxes = kept.boxes + other.boxes


def _boxes(page: Page) -> NDArray[np.float64]:
    return np.array(page.boxes, np.float64).reshape(-1, 4)


def _overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union, (N, M)."""
    start = np.maximum(one[:, None, :2], other[None, :, :2])
    end = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(end - start, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (one, other)]
    union: NDArray[np.float64] = np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9)
    share: NDArray[np.float64] = shared / union
    return share
