"""How far confidences are from accuracies: reliability bins and the expected calibration error, by two binnings.

Bins are of the top-1 confidence. *Equal width*: 15 bins of the same width, closed on the right (Guo et al. 2017) [V].
*Equal mass*: 15 bins of as many samples each (Nguyen and O'Connor 2015) [I], so that no bin is judged by a handful;
that there are 15 of these too is ours [U]. Shapes: N samples, R resamples.
"""

import numpy as np
from numpy.typing import NDArray

from contract.results.evaluation import Reliability

BINS = 15  # Guo et al. 2017
Floats = NDArray[np.float64]


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """ECE with 15 equal-width bins: sum over bins of share * |accuracy - mean confidence|."""
    return float(equal_width_errors(confidence[None], correct[None])[0])


def equal_mass_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """ECE with 15 equal-mass bins. Among equal confidences the wrong come first, so no order of samples matters."""
    order = sorting(confidence, correct)
    return float(equal_mass_errors(confidence[None, order], correct[None, order])[0])


def equal_width_errors(confidence_RN: Floats, correct_RN: NDArray[np.bool_]) -> Floats:
    """The equal-width ECE of each row."""
    rows, samples = confidence_RN.shape
    cells = bin_of(confidence_RN) + BINS * np.arange(rows)[:, None]
    gaps = np.bincount(cells.ravel(), weights=(confidence_RN - correct_RN).ravel(), minlength=rows * BINS)
    errors: Floats = np.abs(gaps.reshape(rows, BINS)).sum(axis=1) / samples
    return errors


def equal_mass_errors(confidence_RN: Floats, correct_RN: NDArray[np.bool_]) -> Floats:
    """The equal-mass ECE of each row; rows are sorted as `sorting` does."""
    samples = confidence_RN.shape[1]
    gaps = np.add.reduceat(confidence_RN - correct_RN, _starts(samples), axis=1)
    errors: Floats = np.abs(gaps).sum(axis=1) / samples
    return errors


def sorting(confidence: Floats, correct: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The order by confidence, upwards, that does not depend on the order of the samples."""
    return np.lexsort((correct, confidence))


def bin_of(confidence: Floats) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def equal_width_bins(confidence: Floats, correct: NDArray[np.bool_]) -> Reliability:
    edges = np.linspace(0, 1, BINS + 1)
    return _reliability(bin_of(confidence), edges, confidence, correct)


def equal_mass_bins(confidence: Floats, correct: NDArray[np.bool_]) -> Reliability:
    """Edges lie half way between the neighbours on both sides; the outer ones are 0 and 1."""
    order = sorting(confidence, correct)
    confidence, correct = confidence[order], correct[order]
    starts = _starts(len(confidence))
    inner = (confidence[starts[1:] - 1] + confidence[starts[1:]]) / 2
    bins = np.searchsorted(starts, np.arange(len(confidence)), side="right") - 1
    return _reliability(bins, np.concatenate([[0], inner, [1]]), confidence, correct)


def _starts(samples: int) -> NDArray[np.intp]:
    """Where each equal-mass bin begins: as equal as can be, and none of them empty."""
    bins = min(BINS, samples)
    return np.arange(bins) * samples // bins


def _reliability(bins: NDArray[np.int64], edges: Floats, confidence: Floats, correct: NDArray[np.bool_]) -> Reliability:
    length = len(edges) - 1
    counts = np.bincount(bins, minlength=length)
    confidences, hits = (np.bincount(bins, weights=values, minlength=length) for values in (confidence, correct))
    return Reliability(
        edges=edges.tolist(),
        counts=counts.tolist(),
        confidence=[total / n if n else None for total, n in zip(confidences.tolist(), counts.tolist(), strict=True)],
        accuracy=[total / n if n else None for total, n in zip(hits.tolist(), counts.tolist(), strict=True)],
    )
