"""The statistics of batch norm: keep those of pretrained weights, or follow the images within a short training."""

from collections.abc import Collection
from functools import cache
from typing import Any

from torch import nn

LEAST_MOMENTUM = 0.1


def freeze(network: nn.Module, *, affine: bool, head: Collection[str]) -> None:
    """Let every batch norm outside of `head` stay as it is in evaluation mode, whatever mode the network is put into.

    With `affine` its scale and offset stay as they are, too. Parameters and buffers remain the same objects.
    """
    prefixes = tuple(f"{name}." for name in head)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and not f"{name}.".startswith(prefixes):
            kind: Any = type(module)
            module.__class__ = _frozen(kind)
            module.eval()
            if affine:
                module.requires_grad_(requires_grad=False)


def follow(network: nn.Module) -> None:
    """Let running statistics move by a tenth or more towards each batch, as torch's own default has it.

    MobileNetV3 brings a hundredth, meant for ImageNet's hundreds of thousands of steps: after 186 steps on photographs
    its evaluation used statistics that were 15 % those of the first draw, and gave 3 % where 27 % had been learnt.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.momentum is not None:
            module.momentum = max(module.momentum, LEAST_MOMENTUM)


class Frozen(nn.Module):
    """Stands before the class of a norm: `nn.Module.train` on the whole network must not wake it."""

    def train(self, mode: bool = True) -> "Frozen":  # noqa: ARG002, FBT001, FBT002 - torch's signature
        return super().train(mode=False)


@cache
def _frozen(kind: Any) -> Any:  # classes have no types that mypy could follow here
    return type(f"Frozen{kind.__name__}", (Frozen, kind), {})
