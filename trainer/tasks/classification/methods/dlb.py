"""Self-distillation from the last mini-batch (Shen et al., CVPR 2022): an image is seen again, and remembered.

loss = CE([z; z'], [y; y']) + kd_weight T^2 KL(sg softmax(z_before / T) || softmax(z' / T))                    [V]

z is of the n new images of a step, z' of those of the step before in another augmentation, z_before what the network
said of these then. T = 3 [I] and kd_weight 1 [R]: the code has no defaults. The memory lasts over epochs [V]; the very
first step has none, and no distillation. Both halves are one forward pass [U]; the code runs them in turn.

Whichever way steps are divided, an image is remembered at its place in the step. Steps write to one table and read from
the other, so a step that is tried again in smaller parts reads the same.
"""

import torch
from torch import Tensor
from torch.nn import functional

from contract.specs.methods import DlbSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network


class Dlb(Method):
    said_2GK: Tensor  # logits of the new images of the latest even and odd step

    def __init__(self, spec: DlbSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._spec = spec
        self.register_buffer("said_2GK", torch.zeros(2, dimensions.groups, dimensions.classes))

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, here = self._spec, batch.draw.part
        logits_BK = network(batch.images_BCHW).logits_BK
        new_nK, again_nK = logits_BK.chunk(2)
        cross_entropy = functional.cross_entropy(logits_BK, batch.labels_B)  # the mean over both halves
        losses = {"loss": cross_entropy, "ce_loss": cross_entropy.detach()}
        if batch.step > 0:
            distillation = distillation_loss(again_nK, self.said_2GK[(batch.step - 1) % 2, here], spec.temperature)
            losses["loss"] = cross_entropy + spec.kd_weight * distillation
            losses["kd_loss"] = distillation.detach()
        self.said_2GK[batch.step % 2, here] = new_nK.detach()
        return Judged(losses, logits_BK, batch.labels_B)
