"""Where the stages of a network end, and what flows there: for methods that teach between layers."""

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from trainer.models import timm_networks

# A stage ends where the next block halves the resolution; the last one at the map that is pooled.
_STAGE_ENDS: dict[str, tuple[str, ...]] = {
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),
    "resnet34": ("layer1", "layer2", "layer3", "layer4"),
    "resnet50": ("layer1", "layer2", "layer3", "layer4"),
    "resnet20": ("layer1", "layer2", "layer3"),
    "resnet32": ("layer1", "layer2", "layer3"),
    "mobilenet_v2": ("features.3", "features.6", "features.13", "features.18"),
    "mobilenet_v3_small": ("features.1", "features.3", "features.8", "features.12"),
    "mobilenet_v3_large": ("features.3", "features.6", "features.12", "features.16"),
    "efficientnet_b0": ("features.2", "features.3", "features.5", "features.8"),
    "shufflenet_v2_x1_0": ("stage2", "stage3", "conv5"),
}


def mark(model: nn.Module, architecture: str) -> None:
    """Note on a network where its stages end. `trainer.models.build` does."""
    ends = _STAGE_ENDS.get(architecture) or timm_networks.stage_ends(model)
    model.stage_ends = ends  # type: ignore[assignment] # torch knows tensors and modules only


class Taps:
    """Keeps what the last forward pass brought to the last layer and to the ends of the stages, where that is wanted.

    A network without taps has no hooks: they would be in the way of torch.compile.
    """

    def __init__(self, model: nn.Module, *, features: bool, stages: bool) -> None:
        self._features: Tensor | None = None
        self._maps: dict[str, Tensor] = {}
        self._names: tuple[str, ...] = ends(model) if stages else ()
        if features:
            last_layer(model).register_forward_pre_hook(self._on_features)
        for name in self._names:
            model.get_submodule(name).register_forward_hook(partial(self._on_stage, name))

    def take(self) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """The features (B, F) and the stages' maps, which are forgotten here: they hold the graph."""
        found = self._features, tuple(self._maps[name] for name in self._names)
        self._features, self._maps = None, {}
        return found

    def _on_features(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._features = inputs[0]

    def _on_stage(self, name: str, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._maps[name] = output


def last_layer(model: nn.Module) -> nn.Linear:
    """The layer that gives the logits."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]


def shapes(model: nn.Module, image_shape: tuple[int, int, int]) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    """How many features the last layer reads, and each stage's (channels, height, width) for an image of this shape."""
    found: list[tuple[int, int, int]] = []

    def note(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Any) -> None:
        if isinstance(output, Tensor):  # networks of timm that nobody tried may pass on several
            found.append(cast("tuple[int, int, int]", tuple(output.shape[1:])))

    hooks = [model.get_submodule(name).register_forward_hook(note) for name in ends(model)]
    was_training = model.training
    with torch.no_grad():
        model.eval()(torch.zeros(1, *image_shape, device=next(model.parameters()).device))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return last_layer(model).in_features, tuple(found)


def ends(model: nn.Module) -> tuple[str, ...]:
    """The names of the modules at the ends of the stages; none of a network whose stages nobody knows."""
    return cast("tuple[str, ...]", model.stage_ends)
