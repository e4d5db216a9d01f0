"""Intra-class patch swap (IPS): teacher-free self-distillation between two images of one class.

Choi, Jeon, Shukla, Turaga, Neurocomputing 2025, arXiv 2505.14124. Two images of a class exchange grid patches; the two
predictions of the one network are drawn together, and each keeps its cross-entropy:

    loss = ce_weight * 1/2 [CE(za, y) + CE(zb, y)] + kd_weight * T^2 [KL(sg pb || pa) + KL(sg pa || pb)]

How many patches a pair exchanges (uniform in 1..P-1) and the swap probability are our choices: the published values
were not available to us. Shapes: B = 2n batch of n pairs, C channels, H height, W width, K classes, P patches an image.
"""

import torch
from torch import Tensor

from contract.specs import PatchSwapSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Draw, Judged, Method
from trainer.methods.network import Network
from trainer.methods.patches import draw_patches, kd_weight_at, swap_patches, swap_probability_at
from trainer.tasks.classification.methods.label_loss import LabelLoss


class PatchSwap(Method):
    def __init__(self, spec: PatchSwapSpec, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self._label_loss = LabelLoss(class_weights)
        self._spec = spec
        self._patch_px = int(spec.patch_size)  # resolved: a number

    def prepare(self, images_BCHW: Tensor, targets: Tensor, draw: Draw) -> None:  # noqa: ARG002 - no label moves
        """Swap patches between image i and image n + i, in place.

        Pairs come in random order, so taking a binomial number of the first is a coin for each pair without a gather.
        """
        first, second = images_BCHW.chunk(2)
        swapped = draw.random.binomial(draw.groups, swap_probability_at(self._spec, draw.progress))
        rows, columns = (side // self._patch_px for side in images_BCHW.shape[-2:])
        marked_nP = draw_patches(swapped, rows * columns, draw.random)[draw.part]
        count = len(marked_nP)
        swap_patches(first[:count], second[:count], marked_nP.reshape(count, rows, columns))

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK = network(batch.images_BCHW).logits_BK
        cross_entropy = self._label_loss(logits_BK, labels_B)  # the mean over both halves
        losses = {"loss": spec.ce_weight * cross_entropy, "ce_loss": cross_entropy.detach()}
        if spec.kd_weight:
            distillation = self._distillation(logits_BK, labels_B)
            losses["loss"] = losses["loss"] + kd_weight_at(spec, batch.epoch) * distillation
            losses["kd_loss"] = distillation.detach()
        return Judged(losses, logits_BK, labels_B)

    def _distillation(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        first_nK, second_nK = logits_BK.chunk(2)
        temperature = self._spec.temperature
        match self._spec.kd_direction:
            case "symmetric":
                return distillation_loss(first_nK, second_nK, temperature) + distillation_loss(
                    second_nK, first_nK, temperature
                )
            case "one_way":
                return distillation_loss(second_nK, first_nK, temperature)
            case "confident_to_weak":
                weak_nK, confident_nK = by_confidence(first_nK, second_nK, labels_B.chunk(2)[0])
                return distillation_loss(weak_nK, confident_nK, temperature)


def by_confidence(first_nK: Tensor, second_nK: Tensor, labels_n: Tensor) -> tuple[Tensor, Tensor]:
    """Each pair's logits as (weak, confident): confident gives its label the higher probability."""
    first_probability, second_probability = (
        logits.detach().softmax(dim=1).gather(1, labels_n[:, None]) for logits in (first_nK, second_nK)
    )
    first_confident = first_probability >= second_probability
    weak = torch.where(first_confident, second_nK, first_nK)
    confident = torch.where(first_confident, first_nK, second_nK)
    return weak, confident
