"""Data-distortion guided self-distillation (Xu and Liu, AAAI 2019): two augmentations of an image teach each other.

loss = 1/2 [CE(z1, y) + CE(z2, y)] + kd_weight T^2 [KL(sg p2 || p1) + KL(sg p1 || p2)]
     + mmd_weight (mean(f1) - mean(f2))^2;  T = 4, kd_weight 1, mmd_weight 5e-4                  [V Self-KD-Lib]

f is what the last layer reads; its mean is over images and features alike, a single number [V Self-KD-Lib]. That code
divides the mean over both halves by two once more, which halves cross-entropy against this formula; we do not.
"""

from torch import Tensor
from torch.nn import functional

from contract.specs.methods import DdgsdSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network


class Ddgsd(Method):
    reads_features = True

    def __init__(self, spec: DdgsdSpec) -> None:
        super().__init__()
        self._spec = spec

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec = self._spec
        logits_BK, features_BF, _ = network(batch.images_BCHW)
        assert features_BF is not None  # noqa: S101 - reads_features
        cross_entropy = functional.cross_entropy(logits_BK, batch.labels_B)  # the mean over both halves
        first_nK, second_nK = logits_BK.chunk(2)
        distillation = distillation_loss(first_nK, second_nK, spec.temperature)
        distillation = distillation + distillation_loss(second_nK, first_nK, spec.temperature)
        discrepancy = mean_discrepancy(*features_BF.to(logits_BK.dtype).chunk(2))
        losses = {
            "loss": cross_entropy + spec.kd_weight * distillation + spec.mmd_weight * discrepancy,
            "ce_loss": cross_entropy.detach(),
            "kd_loss": distillation.detach(),
            "mmd_loss": discrepancy.detach(),
        }
        return Judged(losses, logits_BK, batch.labels_B)


def mean_discrepancy(first_nF: Tensor, second_nF: Tensor) -> Tensor:
    """Squared difference of the means over everything."""
    return (first_nF.mean() - second_nF.mean()).square()
