"""Multiply-adds of the networks, as `trainer.models.count_macs` counts them, for estimates before anything is built."""

# Of one image of three channels at ten classes with the ImageNet stem: (multiply-adds, side of the image in pixels).
MACS: dict[str, tuple[int, int]] = {
    "resnet18": (1_813_566_464, 224),
    "resnet34": (3_663_254_528, 224),
    "resnet50": (4_087_156_736, 224),
    "mobilenet_v3_small": (55_496_640, 224),
    "mobilenet_v3_large": (215_322_560, 224),
    "efficientnet_b0": (384_547_552, 224),
    "efficientnet_lite0": (383_920_352, 224),
    "efficientnet_lite1": (501_200_480, 224),
    "efficientnet_lite2": (575_242_224, 224),
    "mobilenet_v2": (299_507_072, 224),
    "mobilenetv4_conv_small": (184_738_368, 224),
    "shufflenet_v2_x1_0": (143_894_232, 224),
    "resnet20": (1_999_815_296, 224),
    "resnet32": (3_387_081_344, 224),
    "lraspp_mobilenet_v3_large": (377_832_480, 224),
    "lraspp_mobilenet_v2": (464_921_600, 224),
    "lraspp_efficientnet_lite0": (690_672_832, 224),
    "deeplabv3_efficientnet_lite0": (1_311_278_016, 224),
    "deeplabv3_mobilenet_v3_large": (1_881_617_184, 224),
    "deeplabv3_resnet50": (31_308_341_248, 224),
    "fcn_resnet50": (26_480_082_944, 224),
    "ssdlite320_mobilenet_v3_large": (506_844_224, 320),
    "retinanet_resnet18_fpn": (15_740_564_480, 320),
    "retinanet_resnet50_fpn": (20_655_764_480, 320),
    "fcos_mobilenet_v2_fpn": (3_454_733_056, 320),
    "fcos_efficientnet_lite0_fpn": (3_629_462_656, 320),
    "fcos_resnet50_fpn": (20_110_006_784, 320),
    "fcos_resnet18_fpn": (15_194_806_784, 320),
}
UNKNOWN_MACS = 1_000_000_000, 224  # of a network that is not listed
# With convolutions of one channel each, which move more bytes for a multiply-add.
_DEPTHWISE = ("mobilenet", "efficientnet", "shufflenet")
_NATIVE_SMALL = ("resnet20", "resnet32")  # they have no ImageNet stem
_SMALL_STEM = {True: 4.0, False: 15.0}  # times as many multiply-adds as with the ImageNet stem


def is_depthwise(architecture: str) -> bool:
    return any(name in architecture for name in _DEPTHWISE)


def macs_of(architecture: str, *, height: int, width: int, stem: str) -> float:
    """Multiply-adds of one image, scaled by the pixels."""
    macs, side = MACS.get(architecture, UNKNOWN_MACS)
    factor = _SMALL_STEM[is_depthwise(architecture)] if stem == "small" and architecture not in _NATIVE_SMALL else 1.0
    return factor * macs * height * width / side**2
