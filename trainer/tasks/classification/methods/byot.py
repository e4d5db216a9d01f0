"""Be your own teacher (BYOT): classifiers on shallow stages learn from the deepest one, within one network.

Zhang et al., ICCV 2019, as in the repository luanyunteng/pytorch-be-your-own-teacher:

    loss = (1 - a) sum_i CE(z_i, y) + a T^2 sum_{i<L} softCE(z_i/T, sg softmax(z_L/T))                         [V]
           + b sum_{i<L} ||F_i - sg F_L||^2 over the positions where F_i > 0 or F_L > 0, summed                [V]
    a = .1, T = 3, b = 1e-6                                                                                    [V]

z_L is the network's own answer, z_i that of the head on stage i. F are the maps in the shape of the last stage's [I];
the layers that bring them there are ours [U], see `heads.py` beside this file. The sum runs over the images of the
whole step, so that dividing a step changes nothing [U]. Shapes: B batch, C channels, H height, W width, K classes.
"""

from torch import Tensor
from torch.nn import functional

from contract.specs.methods import ByotSpec
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.heads import at_least_single, shallow_heads


class Byot(Method):
    reads_stages = True

    def __init__(self, spec: ByotSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._spec = spec
        self.heads = shallow_heads(dimensions.stages, dimensions.classes)

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK, _, maps = network(batch.images_BCHW)
        shallow = [head(map_BCHW) for head, map_BCHW in zip(self.heads, maps[:-1], strict=True)]
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        deepest_BCHW = at_least_single(maps[-1]).detach()
        soft_BK = (logits_BK.detach() / spec.temperature).softmax(dim=1)
        distillation = feature = cross_entropy.new_zeros(())
        for map_BCHW, answer_BK in shallow:
            cross_entropy = cross_entropy + functional.cross_entropy(answer_BK, labels_B)
            distillation = distillation + functional.cross_entropy(answer_BK / spec.temperature, soft_BK)
            feature = feature + active_distance(map_BCHW, deepest_BCHW)
        distillation = spec.temperature**2 * distillation
        feature = batch.members * batch.draw.groups * feature
        loss = (1 - spec.alpha) * cross_entropy + spec.alpha * distillation + spec.feature_weight * feature
        terms = {"ce_loss": cross_entropy, "kd_loss": distillation, "feature_loss": feature}
        return Judged({"loss": loss} | {name: term.detach() for name, term in terms.items()}, logits_BK, labels_B)


def active_distance(map_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Squared distance over the positions where one of the two is active: a sum for an image, the mean of images."""
    active = (map_BCHW > 0) | (target_BCHW > 0)
    return ((map_BCHW - target_BCHW).square() * active).sum() / len(map_BCHW)
