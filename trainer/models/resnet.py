"""ResNet-18, 34 and 50 of torchvision, with the CIFAR stem for small images: 3x3, stride 1, no max-pool."""

from typing import Any

from torch import nn

from trainer.machine.vision import torchvision
from trainer.models.stem import image_convolution


def build(architecture: str, *, num_classes: int, channels: int, small_stem: bool, **options: Any) -> nn.Module:
    """The small stem is a 3x3 convolution of stride 1 and no max-pool; then stages of stride 1, 2, 2, 2."""
    model = getattr(torchvision.models, architecture)(weights=None, num_classes=num_classes, **options)
    if small_stem:
        model.conv1 = image_convolution(channels, 64, kernel_size=3, stride=1)
        model.maxpool = nn.Identity()
    elif channels != model.conv1.in_channels:
        model.conv1 = image_convolution(channels, 64, kernel_size=7, stride=2)
    return model
