"""Knowledge distillation (KD): the softened answer of a trained, frozen network.

Hinton, Vinyals, Dean 2015, arXiv 1503.02531, with the weights of the repository megvii-research/mdistiller:

    loss = ce_weight CE(z, y) + kd_weight T^2 KL(teacher/T || z/T);  .1, .9, T = 4 on CIFAR                    [V]
"""

from torch.nn import functional

from contract.specs.methods import KdSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class Kd(Method):
    def __init__(self, spec: KdSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        distillation = distillation_loss(logits_BK, network.teach(batch.images_BCHW), spec.temperature)
        loss = spec.ce_weight * cross_entropy + spec.kd_weight * distillation
        losses = {"loss": loss, "ce_loss": cross_entropy.detach(), "kd_loss": distillation.detach()}
        return Judged(losses, logits_BK, labels_B)
