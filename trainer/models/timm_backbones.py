"""The maps of a timm classifier's stages, for networks that segment or detect: which there are, timm tells.

A backbone has the tensors of its classifier up to the last stage, by timm's names.
"""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from contract.specs import ModelSpec
from trainer import models
from trainer.models import matching, timm_networks

# That are built on here by timm even where torchvision has the classifier: its backbones name their stages.
ARCHITECTURES = (*timm_networks.NAMES, "mobilenet_v2")


class Maps(nn.Module):
    """Some of the stages' maps, by names of one's own."""

    def __init__(self, architecture: str, body: Any, names: Mapping[str, int]) -> None:
        super().__init__()
        self.architecture = architecture  # of the classifier
        self.body = body
        self.names = sorted(names, key=lambda name: names[name])
        self.channels: list[int] = body.feature_info.channels()

    def forward(self, images_BCHW: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, self.body(images_BCHW), strict=True))


def build(
    architecture: str, names: Mapping[str, int], *, channels: int, small_stem: bool, output_stride: int = 32
) -> Maps:
    """`names` gives each wanted map's place among the stages, -1 for the last; shallow maps first.

    With an output stride of 16 the last stage is dilated instead of halved.
    """
    name = timm_networks.name_of(architecture)
    with torch.device("meta"):
        stages = len(timm_networks.stages(timm_networks.create(name, num_classes=1, channels=channels)))
    body = timm.create_model(
        name,
        pretrained=False,
        features_only=True,
        in_chans=channels,
        out_indices=[stages + place for place in sorted(names.values())],
        output_stride=output_stride,
    )
    if small_stem:
        timm_networks.keep_size(body)
    return Maps(architecture, body, names)


def load(maps: Maps, weights: Mapping[str, Tensor]) -> None:
    """Begin with a classifier's weights, by our names for it. Raises RuntimeError where they are of another."""
    architecture, channels = maps.architecture, next(maps.body.parameters()).shape[1]
    ours = models.outline(
        ModelSpec.model_validate({"architecture": architecture, "stem": "imagenet", "pretrained": None}),
        channels=channels,
    )
    with torch.device("meta"):
        timms = timm_networks.create(timm_networks.name_of(architecture), num_classes=1, channels=channels)
    found = matching.match(timms, weights, ours).tensors
    body = {name: tensor for name, tensor in found.items() if name in maps.body.state_dict()}
    if not body:
        raise RuntimeError(f"none of them is of the backbone {architecture}")
    matching.fill(maps.body, body)
