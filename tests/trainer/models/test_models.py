"""Every architecture takes every allowed image and has the size that its paper says."""

import pytest
import torch

from contract.specs import ModelSpec
from contract.tasks import TERMS
from trainer import models

ARCHITECTURES = TERMS["classification"].architectures


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("stem", "size", "channels"), [("small", (8, 8), 1), ("small", (32, 48), 3), ("imagenet", (224, 224), 1)]
)
def test_forward_gives_a_logit_per_class(architecture, stem, size, channels):
    model = models.build(ModelSpec(architecture=architecture, stem=stem), num_classes=7, channels=channels)
    with torch.no_grad():
        logits = model.train()(torch.randn(2, channels, *size))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(
    ("architecture", "stem", "classes", "millions"),
    [
        ("resnet20", "small", 10, 0.27),  # He et al. 2016, table 6
        ("resnet32", "small", 10, 0.46),
        ("resnet18", "small", 100, 11.2),  # of the CIFAR protocols
        ("resnet18", "imagenet", 1000, 11.69),  # torchvision's table of models
        ("resnet50", "imagenet", 1000, 25.56),
        ("mobilenet_v3_small", "imagenet", 1000, 2.54),
        ("mobilenet_v3_large", "imagenet", 1000, 5.48),
        ("efficientnet_b0", "imagenet", 1000, 5.29),
        ("shufflenet_v2_x1_0", "imagenet", 1000, 2.28),
        ("mobilenet_v2", "imagenet", 1000, 3.50),
        ("efficientnet_lite0", "imagenet", 1000, 4.65),  # timm's table of results
        ("efficientnet_lite1", "imagenet", 1000, 5.42),
        ("efficientnet_lite2", "imagenet", 1000, 6.09),
        ("mobilenetv4_conv_small", "imagenet", 1000, 3.77),
        ("mobileone_s0", "imagenet", 1000, 5.29),  # with the branches of its training
    ],
)
def test_parameters_are_as_published(architecture, stem, classes, millions):
    model = models.build(ModelSpec(architecture=architecture, stem=stem), num_classes=classes, channels=3)
    assert models.count_parameters(model) / 1e6 == pytest.approx(millions, rel=0.02)


def test_small_stem_of_resnet18_keeps_a_4x4_map_of_32_px():
    model = models.build(ModelSpec(architecture="resnet18", stem="small"), num_classes=10, channels=3)
    seen = []
    model.layer4.register_forward_hook(lambda *arguments: seen.append(arguments[2].shape))
    model.eval()(torch.zeros(1, 3, 32, 32))
    assert seen == [(1, 512, 4, 4)]
