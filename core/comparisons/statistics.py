"""What a few seeds can tell: means, paired differences to a control, and how far chance alone would reach.

Pure functions of figures by seed. What cannot be told is None, never a number: the spread of one seed, and that of
seeds which all gave the same figure, as on a small split, where a t-test would call any difference certain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

CONFIDENCE = 0.95
_ROUNDING = 1e-12  # a spread below it is that of the last bits of floats


@dataclass(frozen=True)
class MeanInterval:
    """A mean over seeds, with the 95 % interval of Student's t."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairedDifference:
    """Ours minus theirs over the seeds both have, with its 95 % interval and the p-value of the paired t-test."""

    n: int
    mean: float
    low: float | None
    high: float | None
    p_value: float | None  # two-sided


def mean_interval(values: Sequence[float]) -> MeanInterval | None:
    """None without values."""
    if not values:
        return None
    mean, error = fmean(values), _standard_error(values)
    if error is None:
        return MeanInterval(len(values), mean, None, None)
    reach = error * _quantile((1 + CONFIDENCE) / 2, freedom=len(values) - 1)
    return MeanInterval(len(values), mean, mean - reach, mean + reach)


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> PairedDifference | None:
    """Of figures by seed. None where no seed has both: unpaired figures are left out, they would bring their noise."""
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    found = mean_interval(differences)
    if found is None:
        return None
    error = _standard_error(differences)
    p_value = None if error is None else 2 * _probability(-abs(found.mean) / error, freedom=found.n - 1)
    return PairedDifference(found.n, found.mean, found.low, found.high, p_value)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """The same p-values, adjusted for having asked several times (Holm 1979); None stays None and counts for nothing.

    Of twenty methods no better than the control, one has an unadjusted p-value under 0.05.
    """
    asked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, index) in enumerate(asked):
        floor = max(floor, min(1.0, p * (len(asked) - rank)))
        adjusted[index] = floor
    return adjusted


def _standard_error(values: Sequence[float]) -> float | None:
    """Of the mean. None where the values do not show a spread."""
    if len(values) < 2:
        return None
    spread = stdev(values)
    if spread <= _ROUNDING * max(1.0, *map(abs, values)):
        return None
    return spread / sqrt(len(values))


# Of Student's t. Imported here, and not from scipy.stats: 17 MB that most api processes never need, 75 MB all of it.
def _quantile(probability: float, *, freedom: int) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415

    return float(stdtrit(freedom, probability))


def _probability(t: float, *, freedom: int) -> float:
    from scipy.special import stdtr  # noqa: PLC0415

    return float(stdtr(freedom, t))
