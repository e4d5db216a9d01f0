"""The network as it was before pruning: kept to be compared with, and to teach what is left of it.

Shapes: B batch, K classes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from trainer.machine.device import place
from trainer.methods.divergence import distillation_loss
from trainer.methods.method import Batch, Draw, Judged, Method

if TYPE_CHECKING:
    from trainer.methods.network import Network, Outputs

TEMPERATURE = 4.0


@dataclass(frozen=True)
class Unpruned:
    weights: dict[str, Tensor]

    def network(self, untrained: nn.Module, device: torch.device) -> nn.Module:
        """The network itself, frozen, in a fresh one of its architecture."""
        untrained.load_state_dict(self.weights)
        return place(untrained, device).eval().requires_grad_(requires_grad=False)


class StayClose(Method):
    """A method whose network is also drawn towards the unpruned one, on each image that the method learns from."""

    def __init__(self, method: Method, unpruned: nn.Module, *, weight: float) -> None:
        super().__init__()
        self.method = method
        self._unpruned = [unpruned]  # in a list, so that nobody trains, counts or saves it
        self._weight = weight
        self.reads_features, self.reads_stages = method.reads_features, method.reads_stages

    def prepare(self, images_BCHW: Tensor, targets: Any, draw: Draw) -> None:
        self.method.prepare(images_BCHW, targets, draw)

    def judge(self, batch: Batch, network: "Network") -> Judged:
        watched = _Watched(network)
        judged = self.method.judge(batch, watched)
        apart = torch.stack([self._divergence(images, logits) for images, logits in watched.learnt]).mean()
        losses = judged.losses | {"loss": judged.losses["loss"] + self._weight * apart, "unpruned_loss": apart.detach()}
        return judged._replace(losses=losses)

    def _divergence(self, images_BCHW: Tensor, logits_BK: Tensor) -> Tensor:
        with torch.no_grad():
            before_BK = self._unpruned[0](images_BCHW).float()
        return distillation_loss(logits_BK, before_BK, TEMPERATURE)


class _Watched:
    """A network that remembers what it was shown and said, where it learns from it."""

    def __init__(self, network: "Network") -> None:
        self._network = network
        self.teach = network.teach
        self.learnt: list[tuple[Tensor, Tensor]] = []

    def __call__(self, images_BCHW: Tensor) -> "Outputs":
        outputs = self._network(images_BCHW)
        if outputs.logits_BK.requires_grad:
            self.learnt.append((images_BCHW, outputs.logits_BK))
        return outputs
