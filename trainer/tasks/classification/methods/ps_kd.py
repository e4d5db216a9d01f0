"""Progressive self-knowledge distillation (Kim et al., ICCV 2021): the label is mixed with an earlier prediction.

loss = softCE(z, (1 - a_t) onehot(y) + a_t p_before(x));  a_t = alpha (t + 1) / E in epoch t = 0 .. E - 1      [V]

T = 1, alpha = .8; p_before is what the network, training, said of the image in the epoch before, softmaxed [V]; in
epoch 0 it is the label [V]. An image is seen twice in an epoch here (decision 0001); kept is what was said of it in the
first of the two passes [U], where each image comes once at most: so nothing depends on the order within a step. An
image that the pass left out, in the epoch's incomplete batch, keeps what was said two epochs earlier, or the label [U].
Epochs write to one table and read from the other.
"""

import torch
from torch import Tensor
from torch.nn import functional

from contract.specs.methods import PsKdSpec
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.soft_labels import soft_cross_entropy


class PsKd(Method):
    said_2NK: Tensor  # of the training images in even and in odd epochs; N * K * 8 bytes. Zero: nothing yet

    def __init__(self, spec: PsKdSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._alpha = spec.alpha
        self.register_buffer("said_2NK", torch.zeros(2, dimensions.samples, dimensions.classes))

    def judge(self, batch: Batch, network: Network) -> Judged:
        epoch = int(batch.epoch)
        logits_BK = network(batch.images_BCHW).logits_BK
        before_BK = self.said_2NK[(epoch - 1) % 2][batch.positions_B]
        targets_BK = progressive_targets(batch.labels_B, before_BK, self._alpha * (epoch + 1) / batch.epochs)
        losses = {
            "loss": soft_cross_entropy(logits_BK, targets_BK),
            "ce_loss": functional.cross_entropy(logits_BK.detach(), batch.labels_B),
        }
        first = len(batch.labels_B) // batch.members
        self.said_2NK[epoch % 2, batch.positions_B[:first]] = logits_BK[:first].detach().softmax(dim=1)
        return Judged(losses, logits_BK, batch.labels_B)


def progressive_targets(labels_B: Tensor, before_BK: Tensor, weight: float) -> Tensor:
    """The label mixed with what was said before, by its weight; the label alone where that is zero."""
    one_hot_BK = functional.one_hot(labels_B, before_BK.shape[1])
    return one_hot_BK * (1 - weight * before_BK.sum(dim=1, keepdim=True)) + weight * before_BK
