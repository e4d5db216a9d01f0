"""Classifiers of timm, with a stem that keeps small images visible. What they are made of, timm tells: no tables here.

The small stem is the same first convolution with stride 1. No weights are fetched: `trainer.models` loads them.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from contract.architectures import TIMM
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what timm imports

import timm  # isort: skip

# As timm calls the networks of a spec. The tf_ ones pad as TensorFlow does, as the weights of Google's networks want.
NAMES = {
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite1": "tf_efficientnet_lite1",
    "efficientnet_lite2": "tf_efficientnet_lite2",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "mobileone_s0": "mobileone_s0",
}
# As timm calls networks that torchvision builds here. The ResNets have the same names in both.
TWINS = {
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "efficientnet_b0": "efficientnet_b0",
}
STAGES = 4  # whose maps methods may read: those of half, quarter ... of the last but three


def build(architecture: str, *, num_classes: int, channels: int, small_stem: bool) -> nn.Module:
    model = create(name_of(architecture), num_classes=num_classes, channels=channels)
    if small_stem:
        keep_size(model)
    return model


def create(name: str, *, num_classes: int, channels: int) -> nn.Module:
    """A network by timm's own name, untrained.

    Its head is drawn as torch draws linear layers. timm draws some from +-1/sqrt(classes), as TensorFlow did for 1,000
    classes: with ten, the first losses are of 10 to 30 nats.
    """
    model = timm.create_model(name, pretrained=False, num_classes=num_classes, in_chans=channels)
    head = model.get_classifier()
    if isinstance(head, nn.Linear):
        head.reset_parameters()
    return model


def name_of(architecture: str) -> str:
    """As timm calls a network that a spec can name."""
    return NAMES.get(architecture) or TWINS.get(architecture) or architecture.removeprefix(TIMM)


def stage_ends(model: nn.Module) -> tuple[str, ...]:
    """The modules that give the last map of each of the last stages, shallow to deep, by timm's feature_info.

    None where it does not name modules.
    """
    names = tuple(stage["module"] for stage in stages(model)[-STAGES:])
    return names if set(names) <= dict(model.named_modules()).keys() else ()


def stages(model: Any) -> list[Mapping[str, Any]]:
    """None of a network whose stages timm does not know."""
    found = getattr(model, "feature_info", ())
    return list(getattr(found, "info", found))


def first_convolutions(name: str) -> tuple[str, ...]:
    """The modules that see the image first, of a network by timm's own name."""
    with torch.device("meta"):
        return _first_convolutions(create(name, num_classes=1, channels=3))


def _first_convolutions(model: Any) -> tuple[str, ...]:
    first = model.pretrained_cfg.get("first_conv") or ()
    return (first,) if isinstance(first, str) else tuple(first)


def keep_size(model: Any) -> None:
    """Give the first convolution stride 1; of several beside each other, all of them.

    Raises ValueError where the network begins with something else, as with patches.
    """
    found = [model.get_submodule(name) for name in _first_convolutions(model)]
    if not found or not all(isinstance(each, nn.Conv2d) and each.stride in ((1, 1), (2, 2)) for each in found):
        raise ValueError("the network has no small stem, for it does not begin with a convolution of stride 2")
    for each in found:
        each.stride = (1, 1)
