"""Plain cross-entropy: the control every method is compared with.

loss = CE(z, y)                                                                                              [V]
"""

from torch import Tensor

from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.label_loss import LabelLoss


class CrossEntropy(Method):
    def __init__(self, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self._label_loss = LabelLoss(class_weights)

    def judge(self, batch: Batch, network: Network) -> Judged:
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = self._label_loss(logits_BK, batch.labels_B)
        losses = {"loss": cross_entropy, "ce_loss": cross_entropy.detach()}
        return Judged(losses, logits_BK, batch.labels_B)
