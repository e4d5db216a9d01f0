"""Class-wise self-knowledge distillation (Yun et al., CVPR 2020): another image of the class teaches.

loss = CE(f(x), y) + lambda T^2 KL(sg softmax(f(x') / T) || softmax(f(x) / T));  T = 4, lambda = 1             [V]

(lambda = 3 on the fine-grained data sets.) x and x' are the halves of a step. x' is run without a gradient but in
training mode, so that batch norm sees it [V]; cross-entropy and accuracy are of x alone [V]. So of the 2n images that a
step sees n are learnt from, and n teach.
"""

import torch
from torch.nn import functional

from contract.specs.methods import CsKdSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class CsKd(Method):
    def __init__(self, spec: CsKdSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        first_nCHW, second_nCHW = batch.images_BCHW.chunk(2)
        labels_n = batch.labels_B.chunk(2)[0]
        logits_nK = network(first_nCHW).logits_BK
        with torch.no_grad():
            teacher_nK = network(second_nCHW).logits_BK
        cross_entropy = functional.cross_entropy(logits_nK, labels_n)
        distillation = distillation_loss(logits_nK, teacher_nK, self._spec.temperature)
        losses = {
            "loss": cross_entropy + self._spec.kd_weight * distillation,
            "ce_loss": cross_entropy.detach(),
            "kd_loss": distillation.detach(),
        }
        return Judged(losses, logits_nK, labels_n)
