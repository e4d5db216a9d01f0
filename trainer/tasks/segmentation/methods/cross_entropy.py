"""Plain cross-entropy of pixels: the control every method is compared with.

loss = mean over the pixels that are somebody's of CE(z, y)                                                  [V]
"""

from torch import Tensor
from torch.nn import functional

from contract.pack.manifest import IGNORE
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class CrossEntropy(Method):
    def judge(self, batch: Batch, network: Network) -> Judged:
        logits_BKHW = network(batch.images_BCHW).said
        cross_entropy = pixel_cross_entropy(logits_BKHW, batch.targets)
        return Judged({"loss": cross_entropy, "ce_loss": cross_entropy.detach()}, logits_BKHW, batch.targets)


def pixel_cross_entropy(logits_BKHW: Tensor, masks_BHW: Tensor) -> Tensor:
    """Mean over the pixels that are not ignored, in nats; zero where all are."""
    total = functional.cross_entropy(logits_BKHW, masks_BHW.long(), ignore_index=IGNORE, reduction="sum")
    return total / (masks_BHW != IGNORE).sum().clamp(min=1)
