"""Label smoothing (Szegedy et al. 2016, section 7), as Self-KD-Lib and Tf-KD write it.

loss = softCE(z, q),  q = 1 - eps on y and eps / (K - 1) elsewhere;  eps .1                                    [V]

torch's `label_smoothing` is another one: it gives eps / K to all classes, so its eps is K / (K - 1) of ours.
"""

from torch import Tensor

from contract.specs.methods import LabelSmoothingSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.label_loss import LabelLoss
from trainer.tasks.classification.methods.soft_labels import smoothed_labels


class LabelSmoothing(Method):
    def __init__(self, spec: LabelSmoothingSpec, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self._label_loss = LabelLoss(class_weights)
        self._smoothing = spec.smoothing

    def judge(self, batch: Batch, network: Network) -> Judged:
        logits_BK = network(batch.images_BCHW).logits_BK
        targets_BK = smoothed_labels(batch.labels_B, logits_BK, self._smoothing)
        losses = {
            "loss": self._label_loss.soft(logits_BK, targets_BK, batch.labels_B),
            "ce_loss": self._label_loss(logits_BK.detach(), batch.labels_B),
        }
        return Judged(losses, logits_BK, batch.labels_B)
