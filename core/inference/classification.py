"""What a classifier's logits say. Lies in every bundle of one as postprocess.py: numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def answer(logits_K: NDArray[np.float32], labels: list[str], *, top: int) -> dict[str, Any]:  # noqa: N803 - shape suffix
    """The most probable label, and the `top` first of the ranking."""
    probabilities = softmax(logits_K)
    order = np.argsort(-probabilities, kind="stable")[:top]
    ranking = [{"label": labels[i], "probability": float(probabilities[i])} for i in order]
    return {**ranking[0], "top": ranking}


def softmax(logits_K: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803 - shape suffix
    shifted: NDArray[np.float64] = np.exp(logits_K.astype(np.float64) - logits_K.max())
    shifted /= shifted.sum()
    return shifted
