"""Universal self-knowledge distillation (USKD): soft labels made of the student's own answers, for every class.

Yang et al., ICCV 2023, arXiv 2303.13005, as in the repository yzd-v/cls_KD. s = softmax(z),
w = softmax of the weak answer, t the label:

    L_t    = -q log s_t,  q = sg(s_t^2 + 1 - mean over the batch of s_t^2)                                     [V]
    L_nt   = -sum over i != t of zipf_i log softmax(z without t)_i; zipf_i = 1/rank of w_i/(1 - w_t) + s_i/(1 - s_t),
             of sum 1                                                                                          [V]
    L_weak = CE(weak, y with eps spread over the other classes), eps = .1                                      [V]
    loss   = CE(z, y) + target_weight L_t + non_target_weight L_nt + weak_weight L_weak; .1 each on CIFAR-100  [V]

The repository ranks by log-softmax s_i beside probabilities w_i; both are probabilities here, as the formula says. The
weak answer is a linear layer's on the pooled map of the last but one stage [V]. The mean is over a part of a step.
Shapes: B batch, K classes.
"""

from torch import Tensor, nn
from torch.nn import functional

from contract.specs.methods import UskdSpec
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.heads import at_least_single, pool
from trainer.tasks.classification.methods.soft_labels import (
    of_target,
    smoothed_labels,
    soft_cross_entropy,
    without_target,
)


class Uskd(Method):
    reads_stages = True

    def __init__(self, spec: UskdSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._spec = spec
        self.weak = nn.Linear(dimensions.stages[-2][0], dimensions.classes)

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, labels_B = self._spec, batch.labels_B
        logits_BK, _, maps = network(batch.images_BCHW)
        weak_BK = self.weak(pool(at_least_single(maps[-2])))
        cross_entropy = functional.cross_entropy(logits_BK, labels_B)
        target = target_loss(logits_BK, labels_B)
        non_target = non_target_loss(logits_BK, weak_BK, labels_B)
        weak = soft_cross_entropy(weak_BK, smoothed_labels(labels_B, weak_BK, spec.smoothing))
        loss = cross_entropy + spec.target_weight * target + spec.non_target_weight * non_target
        loss = loss + spec.weak_weight * weak
        terms = {"ce_loss": cross_entropy, "target_loss": target, "non_target_loss": non_target, "weak_loss": weak}
        return Judged({"loss": loss} | {name: term.detach() for name, term in terms.items()}, logits_BK, labels_B)


def target_loss(logits_BK: Tensor, labels_B: Tensor) -> Tensor:
    """Cross-entropy in which images that are known better than the batch's mean weigh more."""
    log_target_B = of_target(logits_BK.log_softmax(dim=1), labels_B)
    square_B = (2 * log_target_B.detach()).exp()
    return -((square_B + 1 - square_B.mean()) * log_target_B).mean()


def non_target_loss(logits_BK: Tensor, weak_BK: Tensor, labels_B: Tensor) -> Tensor:
    """Cross-entropy among the other classes, with shares by their rank alone (Zipf)."""
    others_BK1 = without_target(logits_BK, labels_B)
    # p_i / (1 - p_t) is the softmax without t, and is one also where p_t rounds to 1.
    likely_BK1 = others_BK1.detach().softmax(dim=1) + without_target(weak_BK, labels_B).detach().softmax(dim=1)
    rank_BK1 = likely_BK1.argsort(dim=1, descending=True, stable=True).argsort(dim=1) + 1
    zipf_BK1 = rank_BK1.to(logits_BK.dtype).reciprocal()
    zipf_BK1 = zipf_BK1 / zipf_BK1.sum(dim=1, keepdim=True)
    return -(zipf_BK1 * others_BK1.log_softmax(dim=1)).sum(dim=1).mean()
