"""The networks by name: which tasks they are for, what they are built on, what cannot be done with them."""

from typing import Literal

# Architectures, the default of each task first.
Classifier = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "mobilenet_v2",
    "mobilenetv4_conv_small",
    "mobileone_s0",
    "shufflenet_v2_x1_0",
    "resnet20",
    "resnet32",
]


# Any other classifier of timm, by timm's own name. Nobody tried it here: its trial builds it once.
TIMM = "timm:"
TIMM_PATTERN = r"^timm:[A-Za-z0-9_.]{1,80}$"


Segmenter = Literal[
    "lraspp_mobilenet_v3_large",
    "lraspp_mobilenet_v2",
    "lraspp_efficientnet_lite0",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_efficientnet_lite0",
    "deeplabv3_resnet50",
    "fcn_resnet50",
]


Detector = Literal[
    "ssdlite320_mobilenet_v3_large",
    "retinanet_resnet18_fpn",
    "retinanet_resnet50_fpn",
    "fcos_mobilenet_v2_fpn",
    "fcos_efficientnet_lite0_fpn",
    "fcos_resnet18_fpn",
    "fcos_resnet50_fpn",
]


# The network that a dense one is built on: what `model.pretrained` must have been.
BACKBONES: dict[str, str] = {
    "lraspp_mobilenet_v3_large": "mobilenet_v3_large",
    "lraspp_mobilenet_v2": "mobilenet_v2",
    "lraspp_efficientnet_lite0": "efficientnet_lite0",
    "deeplabv3_mobilenet_v3_large": "mobilenet_v3_large",
    "deeplabv3_efficientnet_lite0": "efficientnet_lite0",
    "deeplabv3_resnet50": "resnet50",
    "fcn_resnet50": "resnet50",
    "ssdlite320_mobilenet_v3_large": "mobilenet_v3_large",
    "retinanet_resnet18_fpn": "resnet18",
    "retinanet_resnet50_fpn": "resnet50",
    "fcos_mobilenet_v2_fpn": "mobilenet_v2",
    "fcos_efficientnet_lite0_fpn": "efficientnet_lite0",
    "fcos_resnet18_fpn": "resnet18",
    "fcos_resnet50_fpn": "resnet50",
}


# Why single channels cannot be removed.
NOT_PRUNABLE: dict[str, str] = {
    "shufflenet_v2_x1_0": "mixes its channels by halves, so single channels cannot be pruned",
    "mobileone_s0": "folds several branches into one convolution, so single channels cannot be pruned",
}
SMALL_IMAGES = ("resnet20", "resnet32")  # of the CIFAR papers: their only stem is the small one
