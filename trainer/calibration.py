"""How far confidences are from accuracies: the expected calibration error."""

import numpy as np
from numpy.typing import NDArray

BINS = 15  # Guo et al. 2017


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """ECE with 15 equal-width bins, closed on the right: sum over bins of share * |accuracy - mean confidence|."""
    gaps = np.bincount(bin_of(confidence), weights=confidence - correct, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def bin_of(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
