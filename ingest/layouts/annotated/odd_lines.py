"""YOLO lines of more than five values: polygons, or a box followed by key points? Decided once for the whole set.

`kpt_shape` in data.yaml decides. Without it the lines do: key points lie within the box that the line begins with, and
there are equally many in each line; the second corner of a polygon lies by the others. Where both fit, or neither,
nothing is guessed.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.findings import Refused

Values = NDArray[np.float64]  # a line without its class
_AGREE = 0.9  # share of the lines
_SLACK = 0.1  # of a box's side, by which a key point may lie outside
_JUDGED = 2_000  # lines
_FIX = "Add `kpt_shape: [points, 2 or 3]` to data.yaml where the lines hold key points."


class OddLines(NamedTuple):
    kind: Literal["polygon", "keypoints"]
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


def judge(lines: list[Values], stated: tuple[int, int] | None) -> OddLines:
    """What lines of more than four values hold. Raises Refused where they may be meant in two ways."""
    if stated is not None:
        return OddLines("keypoints", frozenset({4 + stated[0] * stated[1]}))
    lengths = {len(line) for line in lines}
    if not lines or len(lengths) > 1:
        return OddLines("polygon", frozenset())
    some = np.stack(lines[:: max(1, len(lines) // _JUDGED)])
    length = lengths.pop()
    points = {d: _share_within(some, d) for d in (2, 3) if (length - 4) % d == 0 and length > 4}
    as_points = max(points.values(), default=0.0)
    as_polygon = _share_near(some) if length % 2 == 0 and length >= 6 else 0.0
    if as_points >= _AGREE > as_polygon:
        return OddLines("keypoints", frozenset({length}))
    if as_polygon >= _AGREE > as_points or (length % 2 == 0 and as_points < 1 - _AGREE):
        return OddLines("polygon", frozenset())
    message = f"each of {len(lines)} lines has {length} values after the class; they may be a polygon's corners, or a "
    message += "box with key points"
    raise Refused("lines_ambiguous", message, _FIX)


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


def _share_near(lines: Values) -> float:
    """The share of lines whose second pair lies by the other pairs, as a corner among corners does."""
    pairs = lines.reshape(len(lines), -1, 2)
    others = np.delete(pairs, 1, axis=1)
    low, high = others.min(axis=1), others.max(axis=1)
    reach = np.maximum(high - low, 0.02)
    return float(((pairs[:, 1] >= low - reach) & (pairs[:, 1] <= high + reach)).all(axis=1).mean())
