"""The first convolution of a network, for another number of channels or another stride."""

from torch import nn


def image_convolution(channels: int, width: int, *, kernel_size: int, stride: int) -> nn.Conv2d:
    """A bias-free convolution on the image, initialised as torchvision initialises the one it replaces."""
    convolution = nn.Conv2d(channels, width, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution
