"""Training curves: a value of each metric by epoch, thinned out evenly where a page would not show them all."""

from collections.abc import Mapping, Sequence

Curve = Sequence[tuple[int, float]]  # (epoch, value)
POINTS_SHOWN = 200
_NOT_LEARNT = {"images_per_second"}


def extend(curves: dict[str, list[tuple[int, float]]], epoch: int, values: Mapping[str, float]) -> None:
    """Add an epoch's values; how fast it went is left out, for it is not the same twice."""
    for name, value in values.items():
        if name not in _NOT_LEARNT:
            curves.setdefault(name, []).append((epoch, value))


def thinned(curve: Curve, points: int = POINTS_SHOWN) -> Curve:
    """At most so many points, evenly spaced, the first and the last among them."""
    if len(curve) <= points:
        return curve
    return [curve[round(number * (len(curve) - 1) / (points - 1))] for number in range(points)]
