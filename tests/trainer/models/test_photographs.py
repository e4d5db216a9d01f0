"""Built-in weights know what photographs show: names, order, padding and pixels are right, not only shapes."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import sklearn.datasets
import torch
from PIL import Image
from torch import nn

from contract.specs import ModelSpec
from contract.weights import BUILT_IN, InputRule
from trainer import models
from trainer.models import builtin_weights, matching

CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat
ESPRESSO, PALACE = {967}, {698}


def photographs() -> dict[str, tuple[np.ndarray, set[int]]]:
    return {
        "a cat": (skimage.data.chelsea(), CATS),
        "a cup of coffee": (skimage.data.coffee(), ESPRESSO),
        "the Summer Palace": (sklearn.datasets.load_sample_image("china.jpg"), PALACE),
    }


def network_of(weights_id: str) -> nn.Module:
    card = BUILT_IN[weights_id].card
    spec = ModelSpec(architecture=card.architecture, stem="imagenet", pretrained=None)
    network = models.build(spec, num_classes=1000, channels=3)
    matching.fill(network, matching.match(network, builtin_weights.tensors(BUILT_IN[weights_id])).tensors)
    return network.eval()


def prepared(pixels: np.ndarray, rule: InputRule) -> torch.Tensor:
    """The central crop, as ImageNet's validation pictures are prepared."""
    side = round(rule.size[0] / rule.crop)
    image = Image.fromarray(pixels)
    scale = side / min(image.size)
    kind = Image.Resampling.BICUBIC if rule.interpolation == "bicubic" else Image.Resampling.BILINEAR
    image = image.resize((round(image.width * scale), round(image.height * scale)), kind)
    left, top = (image.width - rule.size[1]) // 2, (image.height - rule.size[0]) // 2
    cropped = np.asarray(image.crop((left, top, left + rule.size[1], top + rule.size[0])), np.float32) / 255
    normalised = (cropped - np.float32(rule.mean)) / np.float32(rule.std)
    return torch.from_numpy(normalised.transpose(2, 0, 1))[None]


@pytest.mark.parametrize("weights_id", BUILT_IN)
def test_photographs_are_known(weights_id: str) -> None:
    network, rule = network_of(weights_id), BUILT_IN[weights_id].card.input
    with torch.no_grad():
        for name, (pixels, classes) in photographs().items():
            found = int(network(prepared(pixels, rule)).argmax())
            assert found in classes, f"{weights_id} takes {name} for class {found}"
