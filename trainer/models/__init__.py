"""The networks a spec can name, untrained: torchvision's, timm's, and the small ResNets of the CIFAR papers.

No weights are ever fetched. Every network takes float images (B, C, H, W) of 8 px or more and gives logits (B, K).
"""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from contract.specs import ModelSpec
from trainer.models import cifar_resnet, mobile, resnet, stages, timm_networks

_BUILDERS = {
    "resnet18": resnet.build,
    "resnet34": resnet.build,
    "resnet50": resnet.build,
    "mobilenet_v3_small": mobile.build,
    "mobilenet_v3_large": mobile.build,
    "mobilenet_v2": mobile.build,
    "efficientnet_b0": mobile.build,
    "shufflenet_v2_x1_0": mobile.build,
    "resnet20": cifar_resnet.build,
    "resnet32": cifar_resnet.build,
    **dict.fromkeys(timm_networks.NAMES, timm_networks.build),
}


def build(spec: ModelSpec, *, num_classes: int, channels: int) -> nn.Module:
    """A freshly initialised network. `spec.stem` must be resolved: small or imagenet."""
    builder = _BUILDERS.get(spec.architecture, timm_networks.build)
    model = builder(spec.architecture, num_classes=num_classes, channels=channels, small_stem=spec.stem == "small")
    stages.mark(model, spec.architecture)
    return model


def outline(spec: ModelSpec, *, channels: int) -> nn.Module:
    """The names and shapes of a network's tensors; its head has one class. Takes no memory and draws nothing random."""
    with torch.device("meta"):
        return build(spec, num_classes=1, channels=channels)


def twins(spec: ModelSpec, *, channels: int) -> list[nn.Module]:
    """Outlines of the same network with its tensors in the same order, but by the names of another library."""
    name = timm_networks.TWINS.get(spec.architecture)
    if name is None or spec.stem == "small":
        return []
    with torch.device("meta"):
        return [timm_networks.create(name, num_classes=1, channels=channels)]


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-accumulates of one image through convolutions and matrix products. The model is in evaluation mode."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *image_shape))
    return counter.get_total_flops() // 2
