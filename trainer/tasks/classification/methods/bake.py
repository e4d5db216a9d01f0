"""Batch knowledge ensembling (BAKE): targets are propagated between the images of a batch that look alike.

Ge et al. 2021, arXiv 2104.13298, as in the repository yxgeee/BAKE:

    A    = softmax of each row of F F^T, its diagonal -1e9; F the L2-normalised input of the last layer        [V]
    Q    = (1 - w) (I - w A)^-1 softmax(z/T)                                                                   [V]
    loss = CE(z, y) + kd_weight T^2 KL(sg Q || softmax(z/T))                                                   [V]
    w = .5, 4 images of a class together, T = 4, kd_weight = 1 on CIFAR-100                                    [V]

Q is a probability already: another public code passes it through a softmax again, which flattens it. It is made of the
images of a part of a step, as batch norm's statistics are. Shapes: B batch, F features, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional

from contract.specs.methods import BakeSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.heads import at_least_single

NEVER = -1e9  # before a softmax: no image is its own neighbour


class Bake(Method):
    reads_features = True

    def __init__(self, spec: BakeSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK, features_BF, _ = network(batch.images_BCHW)
        assert features_BF is not None  # noqa: S101 - `reads_features`
        soft_BK = (logits_BK.detach() / spec.temperature).softmax(dim=1)
        target_BK = ensemble(at_least_single(features_BF).detach(), soft_BK, spec.ensembling_weight)
        student_BK = functional.log_softmax(logits_BK / spec.temperature, dim=1)
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        divergence = functional.kl_div(student_BK, target_BK, reduction="batchmean")
        distillation = spec.temperature**2 * divergence
        loss = cross_entropy + spec.kd_weight * distillation
        losses = {"loss": loss, "ce_loss": cross_entropy.detach(), "kd_loss": distillation.detach()}
        return Judged(losses, logits_BK, labels_B)


def ensemble(features_BF: Tensor, soft_BK: Tensor, weight: float) -> Tensor:
    """Each image's target: its own answer and those of its likes, theirs mixed in turn, to the end. Rows sum to 1."""
    directions_BF = functional.normalize(features_BF, dim=1)
    likeness_BB = directions_BF @ directions_BF.T
    likeness_BB = likeness_BB.fill_diagonal_(NEVER).softmax(dim=1)
    own = torch.eye(len(soft_BK), dtype=soft_BK.dtype, device=soft_BK.device)
    # Diagonally dominant for a weight below 1, so always solvable: the check, which waits for a GPU, is left out. Off
    # the diagonal nothing is positive, so the solution is a sum of positive terms, however it is rounded.
    return (1 - weight) * torch.linalg.solve_ex(own - weight * likeness_BB, soft_BK).result
