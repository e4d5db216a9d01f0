"""A pyramid of maps on our own ResNets (Lin et al. 2017, "Feature Pyramid Networks"): strides 8 to 128."""

from torch import nn

from trainer.machine.vision import torchvision
from trainer.models import resnet

from torchvision.models.detection import backbone_utils  # isort: skip
from torchvision.ops.feature_pyramid_network import LastLevelP6P7  # isort: skip

CHANNELS = 256
_LEVELS = [2, 3, 4]  # stages whose maps are taken


def build(architecture: str, *, channels: int, small_stem: bool) -> nn.Module:
    """Of a fresh ResNet; its batch norms learn, for no weights are given."""
    backbone = resnet.build(architecture, num_classes=1, channels=channels, small_stem=small_stem)
    if not isinstance(backbone, torchvision.models.ResNet):
        raise TypeError(f"no pyramid on {architecture!r}")
    return backbone_utils._resnet_fpn_extractor(  # noqa: SLF001 - the only way to bring a backbone
        backbone, 5, returned_layers=_LEVELS, extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS)
    )
