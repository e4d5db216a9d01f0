"""MobileNetV2 and V3, EfficientNet-B0 and ShuffleNetV2 of torchvision, with a stem that keeps small images visible.

All of them halve the image in the first convolution; the small stem does not (and drops ShuffleNet's max-pool), so a
32 px image ends as a 2x2 map instead of 1x1. Padded convolutions keep the last map at 1x1 or more from 8 px on.
"""

from typing import Any

from torch import nn

from trainer.machine.vision import torchvision
from trainer.models.stem import image_convolution


def build(architecture: str, *, num_classes: int, channels: int, small_stem: bool, **options: Any) -> nn.Module:
    model = getattr(torchvision.models, architecture)(weights=None, num_classes=num_classes, **options)
    stage = model.conv1 if architecture.startswith("shufflenet") else model.features[0]
    stride = 1 if small_stem else stage[0].stride[0]
    if (channels, stride) != (stage[0].in_channels, stage[0].stride[0]):
        stage[0] = image_convolution(channels, stage[0].out_channels, kernel_size=3, stride=stride)
    if small_stem and architecture.startswith("shufflenet"):
        model.maxpool = nn.Identity()
    return model
