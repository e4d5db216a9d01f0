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
STAGES = 4  # whose maps methods may read: those of half, quarter ... of the last but three


def build(architecture: str, *, num_classes: int, channels: int, small_stem: bool) -> nn.Module:
    model = timm.create_model(NAMES[architecture], pretrained=False, num_classes=num_classes, in_chans=channels)
    if small_stem:
        _widen(model)
    return model


def stage_ends(model: nn.Module) -> tuple[str, ...]:
    """The modules that give the last map of each of the last stages, shallow to deep, by timm's feature_info."""
    return tuple(stage["module"] for stage in _stages(model)[-STAGES:])


def _stages(model: Any) -> list[Mapping[str, Any]]:
    found = model.feature_info
    return list(getattr(found, "info", found))


def _widen(model: Any) -> None:
    """Let the first convolution keep the size of the image; of several beside each other, all of them."""
    first = model.pretrained_cfg["first_conv"]
    for name in (first,) if isinstance(first, str) else first:
        model.get_submodule(name).stride = (1, 1)
