"""Patch swap for masks [U]: images that share a class exchange grid patches of pixels and mask together.

The paper claims gains for segmentation [V]; its set-up was not available to us, and this reading is ours:

    loss = ce_weight * CE(z, swapped masks) + kd_weight * T^2 [KL(sg pb || pa) + KL(sg pa || pb)]

KL is a mean over the pixels at which both members of a pair have the same class. A swap moves a pixel to the same place
of the other image, so these are the same pixels before and after it. Shapes: n pairs, B = 2n, K classes, H, W.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from contract.pack.manifest import IGNORE
from contract.specs import PatchSwapSpec
from trainer.methods.method import Batch, Draw, Judged, Method
from trainer.methods.network import Network
from trainer.methods.patches import draw_patches, kd_weight_at, swap_patches, swap_probability_at
from trainer.tasks.segmentation.methods.cross_entropy import pixel_cross_entropy


class PatchSwap(Method):
    def __init__(self, spec: PatchSwapSpec) -> None:
        super().__init__()
        self._spec = spec
        self._patch_px = int(spec.patch_size)  # resolved: a number

    def prepare(self, images_BCHW: Tensor, targets: Tensor, draw: Draw) -> None:
        """Swap patches of image and mask between i and n + i, in place; as many pairs as of classification."""
        swapped = draw.random.binomial(draw.groups, swap_probability_at(self._spec, draw.progress))
        rows, columns = (side // self._patch_px for side in images_BCHW.shape[-2:])
        marked_nP = draw_patches(swapped, rows * columns, draw.random)[draw.part]
        marked_nRC = marked_nP.reshape(len(marked_nP), rows, columns)
        for pixels in (images_BCHW, targets[:, None]):
            first, second = (half[: len(marked_nRC)] for half in pixels.chunk(2))
            swap_patches(first, second, np.ascontiguousarray(marked_nRC))

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, masks_BHW = self._spec, batch.targets
        logits_BKHW = network(batch.images_BCHW).said
        cross_entropy = pixel_cross_entropy(logits_BKHW, masks_BHW)
        losses = {"loss": spec.ce_weight * cross_entropy, "ce_loss": cross_entropy.detach()}
        if spec.kd_weight:
            distillation = _distillation(logits_BKHW, masks_BHW, spec)
            losses["loss"] = losses["loss"] + kd_weight_at(spec, batch.epoch) * distillation
            losses["kd_loss"] = distillation.detach()
        return Judged(losses, logits_BKHW, masks_BHW)


def _distillation(logits_BKHW: Tensor, masks_BHW: Tensor, spec: PatchSwapSpec) -> Tensor:
    first, second = logits_BKHW.chunk(2)
    labels, others = masks_BHW.chunk(2)
    shared_nHW = (labels == others) & (labels != IGNORE)
    into_first, into_second = (divergence(*pair, spec.temperature) for pair in ((first, second), (second, first)))
    match spec.kd_direction:
        case "symmetric":
            found_nHW = into_first + into_second
        case "one_way":
            found_nHW = into_second
        case "confident_to_weak":
            found_nHW = torch.where(_first_is_surer(first, second, labels), into_second, into_first)
    return (found_nHW * shared_nHW).sum() / shared_nHW.sum().clamp(min=1)


def divergence(student_nKHW: Tensor, teacher_nKHW: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || student) of softened logits at each pixel, in nats. The teacher is detached."""
    student = functional.log_softmax(student_nKHW / temperature, dim=1)
    teacher = functional.log_softmax(teacher_nKHW.detach() / temperature, dim=1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def _first_is_surer(first_nKHW: Tensor, second_nKHW: Tensor, labels_nHW: Tensor) -> Tensor:
    """At which pixels the first gives the label the higher probability."""
    index = labels_nHW.long().where(labels_nHW != IGNORE, 0)[:, None]
    first, second = (logits.detach().softmax(dim=1).gather(1, index).squeeze(1) for logits in (first_nKHW, second_nKHW))
    return first >= second
