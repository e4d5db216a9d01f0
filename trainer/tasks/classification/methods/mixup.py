"""Mixup (Zhang et al. 2018): convex mixtures of two images and of their labels.

lam ~ Beta(a, a);  x~ = lam x + (1 - lam) x[pi];  loss = lam CE(z, y) + (1 - lam) CE(z, y[pi])                  [V]

a = .4 is Self-KD-Lib's; FRSKD takes .2. One lam a step; pi permutes the images of the part at hand, so where a step is
divided an image meets others than in an undivided one. Mixed as floats: uint8 would round.
"""

from torch import Tensor

from contract.specs.methods import MixupSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods import mixing
from trainer.tasks.classification.methods.label_loss import LabelLoss


class Mixup(Method):
    def __init__(self, spec: MixupSpec, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self._label_loss = LabelLoss(class_weights)
        self._alpha = spec.alpha

    def judge(self, batch: Batch, network: Network) -> Judged:
        images_BCHW, labels_B, random = batch.images_BCHW, batch.labels_B, batch.draw.random
        share = float(random.beta(self._alpha, self._alpha))
        chosen_B = mixing.partners(len(labels_B), random, labels_B.device)
        logits_BK = network(images_BCHW.lerp(images_BCHW[chosen_B], 1 - share)).logits_BK
        return mixing.mixed(self._label_loss, logits_BK, labels_B, labels_B[chosen_B], share)
