"""Labels that are probably wrong, by confident learning (Northcutt, Jiang, Chuang, JAIR 2021). N images, T classes.

A class's threshold is the mean probability of it over the images that have its label. An image counts as of the class
whose probability is highest among those at or above their threshold; where that is not its label, the label is suspect.
Suspects are ranked by their margin: the label's probability minus the highest other one. As in the paper and in
cleanlab's `confident_joint` filter and `normalized_margin` ranking.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suspects:
    places: Counts  # among the images, the most suspect first
    suggested: Counts
    probability: Floats  # of what is suggested


def thresholds(labels_N: Counts, probability_N: Floats, classes: int) -> Floats:
    """Mean probability of its label over each class's images; beyond 1 of a class without images."""
    counts = np.bincount(labels_N, minlength=classes)
    totals = np.bincount(labels_N, weights=probability_N, minlength=classes)
    return np.where(counts > 0, totals / np.maximum(counts, 1), 2.0)


def suspects(
    labels_N: Counts,
    probability_N: Floats,
    likeliest_NT: Counts,
    probabilities_NT: Floats,
    classes: int,
) -> Suspects:
    """`probability` is that of the label; `likeliest` are the T likeliest classes in descending order."""
    reached_NT = probabilities_NT >= thresholds(labels_N, probability_N, classes)[likeliest_NT]
    first_N = reached_NT.argmax(axis=1)
    every = np.arange(len(labels_N))
    suggested_N = likeliest_NT[every, first_N]
    suspect_N = reached_NT.any(axis=1) & (suggested_N != labels_N)
    highest_other_N = np.where(likeliest_NT[:, 0] == labels_N, probabilities_NT[:, 1], probabilities_NT[:, 0])
    margin_N = probability_N - highest_other_N
    places = np.flatnonzero(suspect_N)
    places = places[np.argsort(margin_N[places], kind="stable")]
    return Suspects(places, suggested_N[places], probabilities_NT[places, first_N[places]])
