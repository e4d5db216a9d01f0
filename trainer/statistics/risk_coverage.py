"""How well confidence tells right answers from wrong ones: the area under the risk-coverage curve.

AURC (Geifman et al. 2019; formula as in the code of PS-KD [V]): samples by confidence, downwards; the mean over n of
(errors among the first n) / n. E-AURC takes off what is left when every error has less confidence than every hit.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def aurc(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """A fraction; papers print it times 1000. Equal confidences share their errors: the mean over their orders [U]."""
    order = np.argsort(confidence, kind="stable")
    return float(areas(shared_errors(confidence[order], correct[order])[None])[0])


def excess_aurc(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """AURC minus that of the best order, (1/N) sum over k = 1..R of k / (N - R + k) for R errors [V PS-KD]."""
    samples, errors = len(correct), int((~correct).sum())
    ranks = np.arange(1, errors + 1)
    return aurc(confidence, correct) - float((ranks / (samples - errors + ranks)).sum() / samples)


def shared_errors(confidence: Floats, correct: NDArray[np.bool_]) -> Floats:
    """1 for a wrong sample, 0 for a right one, and the mean of both where samples have equal confidence."""
    _, groups, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    return (np.bincount(groups, weights=~correct) / counts)[groups]


def areas(errors_RN: Floats) -> Floats:
    """AURC of each row of errors that are sorted by confidence, upwards."""
    risks = np.cumsum(errors_RN[:, ::-1], axis=1) / np.arange(1, errors_RN.shape[1] + 1)
    found: Floats = risks.mean(axis=1)
    return found
