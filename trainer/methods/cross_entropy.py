"""Plain cross-entropy: the control every method is compared with."""

import numpy as np
from torch import Tensor
from torch.nn import functional


class CrossEntropy:
    needs_pairs = False

    def prepare(self, images_BCHW: Tensor, random: np.random.Generator) -> None:
        """Nothing: the images are seen as they are."""

    def losses(self, logits_BK: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        return {"loss": cross_entropy, "ce_loss": cross_entropy.detach()}
