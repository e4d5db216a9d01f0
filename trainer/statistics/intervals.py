"""95 % confidence intervals over the images drawn: score intervals for proportions, else the bootstrap."""

from collections.abc import Callable, Iterator, Mapping
from math import copysign, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from trainer.data import randomness

Z_95 = 1.959963984540054
RESAMPLES = 1000
BOOTSTRAP_SEED = 0  # fixed: the same predictions give the same interval
CELLS = 2_000_000  # of a block of resamples: 16 MB of indices
Rows = NDArray[np.int64]
Statistic = Callable[[Rows], NDArray[np.float64]]  # rows (R, N), each sorted upwards, to values (R,)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The score interval of a proportion (Wilson 1927); sensible also at 0 and 1 and for few trials."""
    share, z2 = successes / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_difference(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Of the difference of two proportions on the same trials (Newcombe 1998, method 10): first minus second.

    Wilson's limits, squared and added with regard to the correlation; sensible also where few trials tell them apart.
    """
    trials = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    (low1, high1), (low2, high2) = wilson(first, trials), wilson(second, trials)
    share1, share2 = first / trials, second / trials
    product: float = both * neither - only_first * only_second
    product = max(product - trials / 2, 0) if product > 0 else product
    spread = first * (trials - first) * second * (trials - second)
    phi = product / sqrt(spread) if spread else 0.0
    below = _joined(share1 - low1, high2 - share2, phi)
    above = _joined(high1 - share1, share2 - low2, phi)
    return share1 - share2 - below, share1 - share2 + above


def paired_score(only_first: int, only_second: int, trials: int) -> tuple[float, float]:
    """Of the same difference by the score test of pairs (Tango 1998), for claims that a difference is small.

    Where all trials agree it is as wide as Wilson's of none in so many, which Newcombe's is not.
    """

    def statistic(difference: float) -> float:
        linear = (2 * trials - only_first + only_second) * difference - only_first - only_second
        constant = -only_second * difference * (1 - difference)
        second = (sqrt(max(0.0, linear**2 - 8 * trials * constant)) - linear) / (4 * trials)
        variance = trials * (2 * second + difference * (1 - difference))
        distance = only_first - only_second - trials * difference
        return distance / sqrt(variance) if variance > 0 else copysign(inf, distance) if distance else 0.0

    estimate = (only_first - only_second) / trials
    return _crossing(statistic, Z_95, -1.0, estimate), _crossing(statistic, -Z_95, estimate, 1.0)


def least_shown(trials: int) -> float:
    """The upper limit of `paired_score` where all trials agree: no smaller difference can be excluded by so many."""
    return Z_95**2 / (trials + Z_95**2)


def bootstrap(samples: int, statistics: Mapping[str, Statistic]) -> dict[str, tuple[float, float]]:
    """Percentile intervals of statistics of resampled rows (Efron 1979), all of them of the same resamples.

    ECE is biased upwards in small samples and more so when resampled, so its interval may lie above the estimate.
    """
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in statistics}
    for rows in _resamples(samples):
        for name, statistic in statistics.items():
            values[name].append(statistic(rows))
    limits = {name: np.percentile(np.concatenate(found), [2.5, 97.5]) for name, found in values.items()}
    return {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def _resamples(samples: int) -> Iterator[Rows]:
    """RESAMPLES rows of `samples` indices each, in blocks that fit the cache."""
    random = randomness.generator(BOOTSTRAP_SEED, randomness.Stream.BOOTSTRAP)
    block = max(1, CELLS // samples)
    for start in range(0, RESAMPLES, block):
        rows = random.integers(0, samples, (min(block, RESAMPLES - start), samples))
        rows.sort(axis=1)
        yield rows


def _crossing(falling: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Where a falling function crosses a level, to 1e-9."""
    for _ in range(31):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > level else (low, middle)
    return (low + high) / 2


def _joined(first: float, second: float, phi: float) -> float:
    return sqrt(max(0.0, first**2 - 2 * phi * first * second + second**2))
