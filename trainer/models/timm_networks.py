"""Classifiers of timm, with a stem that keeps small images visible. What they are made of, timm tells: no tables here.

The small stem is the same first convolution with stride 1. No weights are fetched: `trainer.models` loads them.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from trainer.machine.vision import torchvision  # noqa: F401 - prepares what timm imports

import timm  # isort: skip

# As timm calls the networks of a spec. The tf_ ones pad as TensorFlow does, as the weights of Google's networks want.
NAMES = {
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite1": "tf_efficientnet_lite1",
    "efficientnet_lite2": "tf_efficientnet_lite2",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
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
    model = create(NAMES[architecture], num_classes=num_classes, channels=channels)
    if small_stem:
        keep_size(model)
    return model


def create(name: str, *, num_classes: int, channels: int) -> nn.Module:
    """A network by timm's own name, untrained."""
    return timm.create_model(name, pretrained=False, num_classes=num_classes, in_chans=channels)


def name_of(architecture: str) -> str:
    """As timm calls a network that a spec can name."""
    return NAMES.get(architecture) or TWINS[architecture]


def stage_ends(model: nn.Module) -> tuple[str, ...]:
    """The modules that give the last map of each of the last stages, shallow to deep, by timm's feature_info."""
    return tuple(stage["module"] for stage in stages(model)[-STAGES:])


def stages(model: Any) -> list[Mapping[str, Any]]:
    found = model.feature_info
    return list(getattr(found, "info", found))


def keep_size(model: Any) -> None:
    """Give the first convolution stride 1; of several beside each other, all of them."""
    first = model.pretrained_cfg["first_conv"]
    for name in (first,) if isinstance(first, str) else first:
        model.get_submodule(name).stride = (1, 1)
