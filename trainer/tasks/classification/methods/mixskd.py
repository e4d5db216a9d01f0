"""Self-distillation from mixup (MixSKD): what the network says of a mixture, and the mixture of what it says.

Yang et al., ECCV 2022, arXiv 2208.05768, as in the repository winycg/Self-KD-Lib. Of images x, a permutation pi and
lam ~ Beta(a, a), each head l = 1..L (those of the shallow stages, and the network's own) gives two answers,
interp_l = lam z_l(x) + (1 - lam) z_l(x[pi]) and mix_l = z_l(lam x + (1 - lam) x[pi]), and two such maps F; a
classifier g reads the maps of all heads together:

    loss = sum_l CE(z_l(x), y) + sum_l mixCE(mix_l) + mixCE(g(F_mix)) + mixCE(g(F_interp))
         + kd_weight { sum_{l<L} [KD(interp_l, sg mix_l) + KD(mix_l, sg interp_l)]
                       + KD(interp_L, sg g(F_mix)) + KD(mix_L, sg g(F_interp)) }                               [V]
         + feature_weight sum_l MSE(F_interp, F_mix) + discriminator_weight sum_l BCE(D_l: interp or mix)      [V]
    a = .4 on CIFAR, T = 3 [V]; the weights are 1, there are none in the formula [V]

The repository computes the mixCE terms and forgets to add them, so that g never learns; they are added here, as the
paper does [R]. g is linear in the pooled maps [V]; D_l reads a pooled map through 128 hidden units [V] and gives one
number [I]; the shallow heads' layers are ours [U]. A step's second views are not used: mixtures of the first take their
place [U].
Shapes: B = 2n batch, n images and n mixtures of them, C channels, H height, W width, K classes.
"""

from collections.abc import Iterable
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from contract.specs.methods import MixSkdSpec
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Dimensions, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods.heads import at_least_single, pool, shallow_heads

HIDDEN = 128


class Mixture:
    """How the images of a step are mixed: the share of their own and each one's partner."""

    def __init__(self, batch: Batch, alpha: float) -> None:
        """The share and the partners' order are drawn for the step and do not depend on how it is divided."""
        random, groups = batch.draw.random, batch.draw.groups
        self.share = float(random.beta(alpha, alpha))
        order_n = np.argsort(random.random(groups)[batch.draw.part])
        self.partners_n = torch.from_numpy(order_n).to(batch.labels_B.device)

    def of(self, values: Tensor) -> Tensor:
        return self.share * values + (1 - self.share) * values[self.partners_n]

    def cross_entropy(self, logits_nK: Tensor, labels_n: Tensor) -> Tensor:
        own = functional.cross_entropy(logits_nK, labels_n)
        partners = functional.cross_entropy(logits_nK, labels_n[self.partners_n])
        return self.share * own + (1 - self.share) * partners


class MixSkd(Method):
    reads_stages = True

    def __init__(self, spec: MixSkdSpec, dimensions: Dimensions) -> None:
        super().__init__()
        self._spec = spec
        channels, answers = dimensions.stages[-1][0], len(dimensions.stages)
        self.heads = shallow_heads(dimensions.stages, dimensions.classes)
        self.ensemble = nn.Linear(answers * channels, dimensions.classes)
        self.discriminators = nn.ModuleList(_discriminator(channels) for _ in range(answers))

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec, mixture = self._spec, Mixture(batch, self._spec.alpha)
        images_nCHW, labels_n = batch.images_BCHW.chunk(2)[0], batch.labels_B.chunk(2)[0]
        maps, answers = self._answers(network, torch.cat([images_nCHW, mixture.of(images_nCHW)]))
        plain, mixed = zip(*(answer_BK.chunk(2) for answer_BK in answers), strict=True)
        plain_maps, mixed_maps = zip(*(map_BCHW.chunk(2) for map_BCHW in maps), strict=True)
        mixed_answers = Interpolated([mixture.of(z) for z in plain], list(mixed))
        mixed_features = Interpolated([mixture.of(z) for z in plain_maps], list(mixed_maps))
        ensembles = [self._ensemble(mixed_features.interpolated), self._ensemble(mixed_features.mixed)]

        cross_entropy = _total(functional.cross_entropy(z, labels_n) for z in plain)
        mixed_entropy = _total(mixture.cross_entropy(z, labels_n) for z in [*mixed, *ensembles])
        distillation = mutual_distillation(mixed_answers, ensembles, spec.temperature)
        feature = _total(functional.mse_loss(*both) for both in mixed_features.pairs())
        discrimination = _total(
            tell_apart(discriminator, *both)
            for discriminator, both in zip(self.discriminators, mixed_features.pairs(), strict=True)
        )
        loss = cross_entropy + mixed_entropy + spec.kd_weight * distillation
        loss = loss + spec.feature_weight * feature + spec.discriminator_weight * discrimination
        terms = {
            "ce_loss": cross_entropy,
            "mixed_ce_loss": mixed_entropy,
            "kd_loss": distillation,
            "feature_loss": feature,
            "discriminator_loss": discrimination,
        }
        return Judged({"loss": loss} | {name: term.detach() for name, term in terms.items()}, plain[-1], labels_n)

    def _answers(self, network: Network, images_BCHW: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The maps in their last shape, and the logits, of all heads, the network's own last."""
        logits_BK, _, maps = network(images_BCHW)
        shallow = [head(map_BCHW) for head, map_BCHW in zip(self.heads, maps[:-1], strict=True)]
        carried = [map_BCHW for map_BCHW, _ in shallow]
        return [*carried, at_least_single(maps[-1])], [*(answer_BK for _, answer_BK in shallow), logits_BK]

    def _ensemble(self, maps: list[Tensor]) -> Tensor:
        return self.ensemble(torch.cat([pool(map_BCHW) for map_BCHW in maps], dim=1))


def _total(losses: Iterable[Tensor]) -> Tensor:
    return cast("Tensor", sum(losses))  # there is one at least


class Interpolated(NamedTuple):
    """Of each head, the mixture of what it makes of the images, and what it makes of their mixture."""

    interpolated: list[Tensor]
    mixed: list[Tensor]

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        return list(zip(self.interpolated, self.mixed, strict=True))


def mutual_distillation(answers: Interpolated, ensembles: list[Tensor], temperature: float) -> Tensor:
    """Shallow heads: both ways. The network: from the ensemble on the other kind of maps. `ensembles` as in answers."""
    (*shallow, (interpolated_nK, mixed_nK)), (of_interpolated_nK, of_mixed_nK) = answers.pairs(), ensembles
    found = distillation_loss(interpolated_nK, of_mixed_nK, temperature)
    found = found + distillation_loss(mixed_nK, of_interpolated_nK, temperature)
    for first_nK, second_nK in shallow:
        found = found + distillation_loss(first_nK, second_nK, temperature)
        found = found + distillation_loss(second_nK, first_nK, temperature)
    return found


def tell_apart(discriminator: nn.Module, interpolated_nCHW: Tensor, mixed_nCHW: Tensor) -> Tensor:
    """Cross-entropy of saying 1 of an interpolated map and 0 of one of a mixture. Maps learn by it as well."""
    said_B1 = discriminator(pool(torch.cat([interpolated_nCHW, mixed_nCHW])))
    truth_B1 = torch.cat([torch.ones_like(said_B1[: len(mixed_nCHW)]), torch.zeros_like(said_B1[len(mixed_nCHW) :])])
    return functional.binary_cross_entropy_with_logits(said_B1, truth_B1)


def _discriminator(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
