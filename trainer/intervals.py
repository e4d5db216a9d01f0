"""95 % confidence intervals: Wilson's for accuracies, the bootstrap for what is no proportion."""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from trainer import randomness

Z_95 = 1.959963984540054
RESAMPLES = 1000
BOOTSTRAP_SEED = 0  # fixed: the same predictions give the same interval


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The score interval of a proportion (Wilson 1927); sensible also at 0 and 1 and for few trials."""
    share, z2 = successes / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(samples: int, statistic: Callable[[NDArray[np.int64]], float]) -> tuple[float, float]:
    """Percentile interval of a statistic of resampled rows (Efron 1979).

    ECE is biased upwards in small samples and more so when resampled, so its interval may lie above the estimate.
    """
    random = randomness.generator(BOOTSTRAP_SEED, randomness.Stream.BOOTSTRAP)
    values = [statistic(random.integers(0, samples, samples)) for _ in range(RESAMPLES)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
