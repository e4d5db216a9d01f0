"""Teacher-free knowledge distillation by self-training (Tf-KD self): the teacher is an earlier copy of the student.

Yuan et al., CVPR 2020, arXiv 1909.11723, as in the repository yuanli2333/Teacher-free-Knowledge-Distillation:

    loss = (1 - a) CE(z, y) + a T^2 multiplier KL(teacher/T || z/T), the KL a mean over the N x C entries      [V]
    ResNet-18: a = .95, T = 6, multiplier 50                                                                   [V]

The mean over all entries divides the usual mean over images by the number of classes: 50 is .5 at 100 classes.
"""

from torch.nn import functional

from contract.specs.methods import TfKdSelfSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class TfKdSelf(Method):
    def __init__(self, spec: TfKdSelfSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        divergence = distillation_loss(logits_BK, network.teach(batch.images_BCHW), spec.temperature)
        distillation = spec.multiplier * divergence / logits_BK.shape[1]
        loss = (1 - spec.alpha) * cross_entropy + spec.alpha * distillation
        losses = {"loss": loss, "ce_loss": cross_entropy.detach(), "kd_loss": distillation.detach()}
        return Judged(losses, logits_BK, labels_B)
