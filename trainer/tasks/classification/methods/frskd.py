"""Feature refinement via self-knowledge distillation (FRSKD): a feature pyramid on the network's stages teaches it.

Ji et al., CVPR 2021, as in the repository MingiJi/FRSKD. z', F' are the pyramid's answer and its maps:

    loss = CE(z, y) + CE(z', y) + kd_weight T^2 KL(sg p' || p)
         + feature_weight sum_l mean (at(F_l) - sg at(F'_l))^2,  at(F) = mean_c F^2, L2-normalised over positions  [V]
    T = 4, kd_weight = 2, feature_weight = 100; pyramid of width 2, depth 2, once                                  [V]

p' is detached: another public code forgets it, and so lets the teacher run after its pupil. The pyramid reads the maps
with their gradient, so that CE(z', y) trains the network too [I]; see `pyramid.py` beside this file for its layers.
Shapes: B batch, C channels, H height, W width, P = HW positions, K classes.
"""

from torch import Tensor
from torch.nn import functional

from contract.specs.methods import FrskdSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.heads import at_least_single
from trainer.tasks.classification.methods.pyramid import Pyramid


class Frskd(Method):
    reads_stages = True

    def __init__(self, spec: FrskdSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._spec = spec
        self.pyramid = Pyramid(dimensions.stages, dimensions.classes)

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK, _, maps = network(batch.images_BCHW)
        refined, teacher_BK = self.pyramid(maps)
        cross_entropy = functional.cross_entropy(logits_BK, labels_B) + functional.cross_entropy(teacher_BK, labels_B)
        distillation = distillation_loss(logits_BK, teacher_BK, spec.temperature)
        feature = logits_BK.new_zeros(())
        for map_BCHW, refined_BCHW in zip(maps, refined, strict=True):
            target_BP = attention(refined_BCHW).detach()
            feature = feature + functional.mse_loss(attention(at_least_single(map_BCHW)), target_BP)
        loss = cross_entropy + spec.kd_weight * distillation + spec.feature_weight * feature
        terms = {"ce_loss": cross_entropy, "kd_loss": distillation, "feature_loss": feature}
        return Judged({"loss": loss} | {name: term.detach() for name, term in terms.items()}, logits_BK, labels_B)


def attention(map_BCHW: Tensor) -> Tensor:
    """Where a map is active, (B, P): the mean square over its channels, of length 1 for each image."""
    return functional.normalize(map_BCHW.square().mean(dim=1).flatten(1), dim=1)
