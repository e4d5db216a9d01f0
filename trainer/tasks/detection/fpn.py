"""A pyramid of maps on a classifier (Lin et al. 2017, "Feature Pyramid Networks"): strides 8 to 128.

On ResNets it is torchvision's, on the smaller networks of timm half as wide.
"""

from torch import Tensor, nn

from trainer.machine.vision import torchvision
from trainer.models import resnet, timm_backbones

from torchvision.models.detection import backbone_utils  # isort: skip
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelP6P7  # isort: skip

CHANNELS, SMALL_CHANNELS = 256, 128
_LEVELS = [2, 3, 4]  # stages whose maps are taken
_PLACES = {"0": -3, "1": -2, "2": -1}  # the same of timm's


class Pyramid(nn.Module):
    def __init__(self, maps: timm_backbones.Maps) -> None:
        super().__init__()
        self.maps, self.out_channels = maps, SMALL_CHANNELS
        last = LastLevelP6P7(SMALL_CHANNELS, SMALL_CHANNELS)
        self.fpn = FeaturePyramidNetwork(maps.channels, SMALL_CHANNELS, extra_blocks=last)

    def forward(self, images_BCHW: Tensor) -> dict[str, Tensor]:
        return self.fpn(self.maps(images_BCHW))


def build(architecture: str, *, channels: int, small_stem: bool) -> nn.Module:
    """Of a fresh network, whose batch norms learn: training sets are small, and other images than ImageNet's."""
    if architecture in timm_backbones.ARCHITECTURES:
        return Pyramid(timm_backbones.build(architecture, _PLACES, channels=channels, small_stem=small_stem))
    backbone = resnet.build(architecture, num_classes=1, channels=channels, small_stem=small_stem)
    if not isinstance(backbone, torchvision.models.ResNet):
        raise TypeError(f"no pyramid on {architecture!r}")
    return backbone_utils._resnet_fpn_extractor(  # noqa: SLF001 - the only way to bring a backbone
        backbone, 5, returned_layers=_LEVELS, extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS)
    )
