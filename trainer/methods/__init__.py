"""The training objectives, one file each: tensors in, losses out. The loop knows none of them by name."""

from typing import Protocol

import numpy as np
from torch import Tensor

from core.spec import CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from trainer.methods.cross_entropy import CrossEntropy
from trainer.methods.patch_swap import PatchSwap


class Objective(Protocol):
    needs_pairs: bool  # True: the batch is n anchors and then their n same-class partners

    def prepare(self, images_BCHW: Tensor, random: np.random.Generator) -> None:
        """Change the augmented uint8 batch in place, before it is normalised."""

    def losses(self, logits_BK: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """`loss`, which is minimised, and the terms to report. Scalars; the logits are float32."""


def build(spec: MethodSpec) -> Objective:
    match spec:
        case CrossEntropySpec():
            return CrossEntropy()
        case PatchSwapOnlySpec():
            return PatchSwap(PatchSwapSpec(**spec.model_dump(exclude={"name"}), kd_weight=0))
        case PatchSwapSpec():
            return PatchSwap(spec)
