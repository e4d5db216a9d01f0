"""Decoupled knowledge distillation (DKD): of a teacher's answer, the label's share apart from the other classes.

Zhao et al., CVPR 2022, arXiv 2203.08679, as in the repository megvii-research/mdistiller:

    TCKD = KL of (p_y, 1 - p_y), teacher || student; NCKD = KL of the softmax over the other classes; both at T
    loss = CE(z, y) + min(1, epoch / 20) T^2 [target_weight TCKD + non_target_weight NCKD]                     [V]
    T = 4, weights 1 and 8 on CIFAR                                                                            [V]

The repository counts epochs from 1 and by whole ones; here the warm-up grows with every step, from 0 [U].
Shapes: B batch, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional

from contract.specs.methods import DkdSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.soft_labels import of_target, without_target


class Dkd(Method):
    def __init__(self, spec: DkdSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK = network(batch.images_BCHW).logits_BK
        student = Decoupled(logits_BK / spec.temperature, labels_B)
        teacher = Decoupled(network.teach(batch.images_BCHW).detach() / spec.temperature, labels_B)
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        target = spec.temperature**2 * _divergence(student.target_log_B2, teacher.target_log_B2)
        non_target = spec.temperature**2 * _divergence(student.others_log_BK1, teacher.others_log_BK1)
        distillation = spec.target_weight * target + spec.non_target_weight * non_target
        loss = cross_entropy + self._warmth(batch.epoch) * distillation
        terms = {"ce_loss": cross_entropy, "target_loss": target, "non_target_loss": non_target}
        return Judged({"loss": loss} | {name: term.detach() for name, term in terms.items()}, logits_BK, labels_B)

    def _warmth(self, epoch: float) -> float:
        warmup = self._spec.warmup_epochs
        return min(1.0, epoch / warmup) if warmup else 1.0


class Decoupled:
    """The logarithms of (p_y, 1 - p_y) and of the softmax over the other classes."""

    def __init__(self, logits_BK: Tensor, labels_B: Tensor) -> None:
        others_BK1 = without_target(logits_BK, labels_B)
        both_B2 = torch.stack([of_target(logits_BK, labels_B), others_BK1.logsumexp(dim=1)], dim=1)
        self.target_log_B2 = both_B2.log_softmax(dim=1)
        self.others_log_BK1 = others_BK1.log_softmax(dim=1)


def _divergence(student_log: Tensor, teacher_log: Tensor) -> Tensor:
    return functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
