"""What a classifier's logits say. Lies in every bundle of one as postprocess.py: numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Outputs = list[NDArray[np.float32]]  # of one image: logits_K
    # Height and width of the image in the network's frame, and of itself.
    Sizes = tuple[tuple[int, int], tuple[int, int]]
    Place = tuple[int, int, int, int]

OPTIONS: dict[str, dict[str, Any]] = {"top": {"default": 5, "least": 1, "help": "labels per image"}}


def answer(outputs: Outputs, labels: list[str], *, sizes: Sizes, top: int) -> dict[str, Any]:  # noqa: ARG001 - for boxes
    """The most probable label, and the `top` first of the ranking."""
    (logits_K,) = outputs  # noqa: N806 - shape suffix
    probabilities = softmax(logits_K)
    order = np.argsort(-probabilities, kind="stable")[:top]
    ranking = [{"label": labels[i], "probability": float(probabilities[i])} for i in order]
    return {**ranking[0], "top": ranking}


def unpadded(outputs: Outputs, _content: tuple[int, int]) -> Outputs:
    """The outputs as they are: a classifier says one thing of the whole frame."""
    return outputs


def merged(tiles: list[Outputs], _places: list[Place]) -> Outputs:
    """The outputs of the whole image: a classifier is never trained on tiles."""
    (outputs,) = tiles
    return outputs


def classes_of(outputs: Outputs) -> int:
    """How many classes the outputs tell apart."""
    return len(outputs[0])


def softmax(logits_K: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803 - shape suffix
    shifted: NDArray[np.float64] = np.exp(logits_K.astype(np.float64) - logits_K.max())
    shifted /= shifted.sum()
    return shifted
