"""YOLO lines of more than five values: polygons, or a box followed by key points? Decided once for the whole set.

`kpt_shape` in data.yaml decides. Without it the lines do: key points lie within the box that the line begins with, and
there are equally many in each line; the second corner of a polygon lies by the others. Where both fit, or neither,
nothing is guessed.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.findings import Refused

Values = NDArray[np.float64]  # a line without its class
_POLYGON_TASKS = {"segment", "segmentation", "obb"}
_AGREE = 0.9  # share of the lines
_DISAGREE = 0.5
_SOME_LINES = 5
_FEW_POINTS = 3  # below, points are as rare as polygons of three or four corners are common
_OFF_MIDDLE = 0.3  # of a box's side, from its middle
_SLACK = 0.1  # of a box's side, by which a key point may lie outside
_BEYOND = 0.02  # of the image's side, by which things reach over its edge
_JUDGED = 2_000  # lines
_FEWEST_CORNERS = 20  # boxes
_FIX = "Add to data.yaml `kpt_shape: [points, 2 or 3]` for key points, or `task: segment` for polygons."


Kind = Literal["polygon", "keypoints"]


class OddLines(NamedTuple):
    kind: Kind
    lengths: frozenset[int]  # values of a line beyond its class; empty: any


def kpt_shape(stated: object) -> tuple[int, int] | None:
    """`[points, 2 or 3]` as data.yaml states it."""
    if not isinstance(stated, list) or len(stated) != 2:
        return None
    try:
        points, dimensions = int(str(stated[0])), int(str(stated[1]))
    except ValueError:
        return None
    return (points, dimensions) if points > 0 and dimensions in {2, 3} else None


def judge(lines: list[Values], stated: Mapping[str, object]) -> OddLines:
    """What lines of more than four values hold. Raises Refused where they may be meant in two ways."""
    if (shape := kpt_shape(stated.get("kpt_shape"))) is not None:
        return OddLines("keypoints", frozenset({4 + shape[0] * shape[1]}))
    if stated.get("task") in _POLYGON_TASKS:
        return OddLines("polygon", frozenset())
    lengths = {len(line) for line in lines}
    if not lines or len(lengths) > 1:
        return OddLines("polygon", frozenset())
    length = lengths.pop()
    kind = _kind_of(np.stack(lines[:: max(1, len(lines) // _JUDGED)]))
    if kind is None:
        message = f"Each of {len(lines)} lines has {length} values after the class; they may be a polygon's corners, "
        message += "or a box with key points or other values."
        raise Refused("lines_ambiguous", message, _FIX)
    return OddLines(kind, frozenset({length}) if kind == "keypoints" else frozenset())


def _kind_of(lines: Values) -> Kind | None:
    """None where nothing decides."""
    length = lines.shape[1]
    flagged = _share_within(lines, 3) if (length - 4) % 3 == 0 else 0.0
    if flagged >= _AGREE:
        return "keypoints"  # each third value is 0, 1 or 2
    if length % 2 or (len(lines) >= _SOME_LINES and _has_flags(lines)):
        return None
    points = _share_within(lines, 2)
    if points < _DISAGREE:
        return "polygon"
    near = _share_near(lines)
    if (length - 4) // 2 < _FEW_POINTS:
        return "polygon" if near >= _AGREE else None
    if points < _AGREE:
        return None
    return "keypoints" if near < _AGREE else _by_first_pair(lines)


def _has_flags(lines: Values) -> bool:
    """Whether a column holds 0 and 1 only, as no corner's does. Pairs of 0, 0 mark points that are not seen."""
    whole = np.isin(lines, (0, 1)).all(axis=0).reshape(-1, 2)
    unseen = (lines == 0).all(axis=0).reshape(-1, 2).all(axis=1)
    return bool(whole[~unseen].any())


def _share_within(lines: Values, dimensions: int) -> float:
    """The share of lines whose points all lie in the box of their first four values. Points at 0, 0 are not seen."""
    middle, half = lines[:, None, :2], lines[:, None, 2:4] / 2
    points = lines[:, 4:].reshape(len(lines), -1, dimensions)
    if dimensions == 3 and not np.isin(points[..., 2], (0, 1, 2)).all():
        return 0.0
    seen = (points[..., :2] != 0).any(axis=2)
    within = (np.abs(points[..., :2] - middle) <= half * (1 + 2 * _SLACK) + 1e-3).all(axis=2)
    box = (
        (half > 0).all(axis=(1, 2))
        & (middle - half >= -0.02).all(axis=(1, 2))
        & (middle + half <= 1.02).all(axis=(1, 2))
    )
    return float((box & (within | ~seen).all(axis=1)).mean())


def _by_first_pair(lines: Values) -> Kind | None:
    """Where both fit: a corner lies on the outline of the other corners, the middle of a box amid its points."""
    pairs = lines.reshape(len(lines), -1, 2)
    low, high = _around(pairs[:, 2:])
    place = np.abs((pairs[:, 0] - low) / np.maximum(high - low, 1e-6) - 0.5)
    outside = float((place.max(axis=1) >= _OFF_MIDDLE).mean())
    return "polygon" if outside >= _AGREE else "keypoints" if outside <= 0.5 else None


def _around(pairs: Values) -> tuple[Values, Values]:
    """The box around pairs, but for those of 0, 0."""
    seen = (pairs != 0).any(axis=2, keepdims=True)
    return np.where(seen, pairs, 1.0).min(axis=1), np.where(seen, pairs, 0.0).max(axis=1)


def _share_near(lines: Values) -> float:
    """The share of lines whose second pair lies by the other pairs, as a corner among corners does.

    Pairs of 0, 0 are passed over: they mark points that are not seen.
    """
    if (lines < -_BEYOND).any() or (lines > 1 + _BEYOND).any():
        return 0.0  # a flag of visibility is no place
    pairs = lines.reshape(len(lines), -1, 2)
    low, high = _around(np.delete(pairs, 1, axis=1))
    reach = np.maximum(1.5 * (high - low).max(axis=1, keepdims=True), 0.02)
    return float(((pairs[:, 1] >= low - reach) & (pairs[:, 1] <= high + reach)).all(axis=1).mean())


def may_be_corners(lines: Iterable[Values]) -> int:
    """How many plain boxes there are, if each could be x1, y1, x2, y2 just as well; else 0.

    Then each is wider and higher than its middle is far from the upper left corner, as only large objects are.
    """
    count = 0
    for values in lines:
        if len(values) != 4:
            continue
        if not (values[2:] > values[:2]).all():
            return 0
        count += 1
    return count if count >= _FEWEST_CORNERS else 0
