"""Teacher-free knowledge distillation by a hand-made teacher (Yuan et al., CVPR 2020).

loss = (1 - a) CE(z, y) + a * multiplier * KLmean(softmax(d / T) || softmax(z))
d = .99 on y and .01 / (K - 1) elsewhere;  a = .1, T = 20, multiplier 100                                      [V]

As in the code, not as one expects: the student is not divided by T, softmax is taken of the probabilities d, and KLmean
is the mean over all N * K entries, so that in terms of a mean over images the weight is a * multiplier / K [V].
Self-KD-Lib has another formula under this name.
"""

from torch import Tensor
from torch.nn import functional

from contract.specs.methods import TfKdRegSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.soft_labels import smoothed_labels


class TfKdReg(Method):
    def __init__(self, spec: TfKdRegSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec = self._spec
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = functional.cross_entropy(logits_BK, batch.labels_B)
        regularisation = self._regularisation(logits_BK, batch.labels_B)
        losses = {
            "loss": (1 - spec.alpha) * cross_entropy + spec.alpha * spec.multiplier * regularisation,
            "ce_loss": cross_entropy.detach(),
            "kd_loss": regularisation.detach(),
        }
        return Judged(losses, logits_BK, batch.labels_B)

    def _regularisation(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        made_BK = smoothed_labels(labels_B, logits_BK, 1 - self._spec.correct_probability)
        teacher_BK = (made_BK / self._spec.temperature).softmax(dim=1)
        by_image = functional.kl_div(functional.log_softmax(logits_BK, dim=1), teacher_BK, reduction="batchmean")
        return by_image / logits_BK.shape[1]
