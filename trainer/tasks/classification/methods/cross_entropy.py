"""Plain cross-entropy: the control every method is compared with.

loss = CE(z, y)                                                                                              [V]
"""

from torch.nn import functional

from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class CrossEntropy(Method):
    def judge(self, batch: Batch, network: Network) -> Judged:
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = functional.cross_entropy(logits_BK, batch.labels_B)
        losses = {"loss": cross_entropy, "ce_loss": cross_entropy.detach()}
        return Judged(losses, logits_BK, batch.labels_B)
