"""The segmentation networks of torchvision on our own backbones or timm's, untrained: images to logits (B, K, H, W).

Source: torchvision.models.segmentation. LR-ASPP: Howard et al. 2019 (MobileNetV3), section 6.4; DeepLabV3: Chen et al.
2017; FCN: Long et al. 2015. Backbones are dilated as there; the auxiliary head is left out.
"""

from typing import Any

from torch import Tensor, nn

from contract.architectures import BACKBONES
from contract.specs import ModelSpec
from trainer.machine.vision import torchvision
from trainer.models import matching, mobile, resnet, timm_backbones

# torchvision's MobileNetV3 has 0.01, made for a hundred thousand steps: after a hundred, running statistics were still
# those of the start, and the network in evaluation mode saw background only. Small dense sets take few steps.
_BATCH_NORM_MOMENTUM = 0.1
_NOT_BACKBONE = ("fc.", "classifier.")  # of a classifier's weights


class Segmenter(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model  # of torchvision, which has no types

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.model(images_BCHW)["out"]


def build(spec: ModelSpec, *, num_classes: int, channels: int) -> Segmenter:
    """A freshly initialised network. `spec.stem` must be resolved: small or imagenet."""
    architecture, small_stem = BACKBONES[spec.architecture], spec.stem == "small"
    head = spec.architecture.partition("_")[0]
    if architecture in timm_backbones.ARCHITECTURES:
        names = {"low": -3, "high": -1} if head == "lraspp" else {"out": -1}
        maps = timm_backbones.build(architecture, names, channels=channels, small_stem=small_stem, output_stride=16)
        return Segmenter(_on_maps(head, maps, num_classes))
    stem: dict[str, Any] = {"num_classes": num_classes, "channels": channels, "small_stem": small_stem}
    if architecture == "resnet50":
        backbone = resnet.build(architecture, **stem, replace_stride_with_dilation=[False, True, True])
    else:
        backbone = mobile.build(architecture, **stem, dilated=True)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _BATCH_NORM_MOMENTUM
    return Segmenter(_headed(spec.architecture, backbone, num_classes))


def head(_model: Segmenter) -> tuple[str, ...]:
    """All that is not the backbone."""
    return ("model.classifier",)


def load_backbone(model: Segmenter, weights: dict[str, Tensor]) -> None:
    """Begin with the weights of a classifier of the backbone's architecture. Raises RuntimeError where they miss."""
    backbone = model.model.backbone
    if isinstance(backbone, timm_backbones.Maps):
        timm_backbones.load(backbone, weights)
        return
    kept = {
        name.removeprefix("features."): tensor for name, tensor in weights.items() if not name.startswith(_NOT_BACKBONE)
    }
    matching.fill(backbone, kept)


def _on_maps(head: str, maps: timm_backbones.Maps, num_classes: int) -> nn.Module:
    nets = torchvision.models.segmentation
    if head == "lraspp":
        return nets.LRASPP(maps, *maps.channels, num_classes)
    return nets.DeepLabV3(maps, nets.deeplabv3.DeepLabHead(maps.channels[-1], num_classes))


def _headed(architecture: str, backbone: nn.Module, num_classes: int) -> nn.Module:
    nets = torchvision.models.segmentation
    match architecture:
        case "lraspp_mobilenet_v3_large":
            return nets.lraspp._lraspp_mobilenetv3(backbone, num_classes)  # noqa: SLF001 - the only way to bring a backbone
        case "deeplabv3_mobilenet_v3_large":
            return nets.deeplabv3._deeplabv3_mobilenetv3(backbone, num_classes, aux=None)  # noqa: SLF001
        case "deeplabv3_resnet50":
            return nets.deeplabv3._deeplabv3_resnet(backbone, num_classes, aux=None)  # noqa: SLF001
        case "fcn_resnet50":
            return nets.fcn._fcn_resnet(backbone, num_classes, aux=None)  # noqa: SLF001
    raise ValueError(f"no segmentation network {architecture!r}")
