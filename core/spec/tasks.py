"""The vision tasks as all rooms agree on them: what each may be asked, and by which figure it is judged."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.spec.formats import FORMATS, FormatName

Task = Literal["classification", "segmentation", "detection"]

# Architectures, the default of each task first.
Classifier = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_x1_0",
    "resnet20",
    "resnet32",
]
Segmenter = Literal[
    "lraspp_mobilenet_v3_large",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "fcn_resnet50",
]
Detector = Literal[
    "ssdlite320_mobilenet_v3_large",
    "retinanet_resnet18_fpn",
    "retinanet_resnet50_fpn",
    "fcos_resnet18_fpn",
    "fcos_resnet50_fpn",
]


@dataclass(frozen=True)
class Terms:
    """What is said of a task outside the trainer."""

    headline: str  # the figure of an evaluation that tables show and gates look at; the higher the better
    headline_name: str  # as people read it
    validated: tuple[str, ...]  # metrics of validation, the one that a run is judged by first
    architectures: tuple[str, ...]  # the default first
    formats: tuple[FormatName, ...]  # that its networks are written in


TERMS: dict[Task, Terms] = {
    "classification": Terms(
        headline="top1_accuracy",
        headline_name="top-1 accuracy",
        validated=("val.top1_accuracy", "val.nll"),
        architectures=get_args(Classifier),
        formats=tuple(FORMATS),
    ),
    "segmentation": Terms(
        headline="mean_iou",
        headline_name="mIoU",
        validated=("val.mean_iou", "val.nll"),
        architectures=get_args(Segmenter),
        formats=tuple(FORMATS),
    ),
    "detection": Terms(
        headline="ap",
        headline_name="AP",
        validated=("val.ap", "val.ap50"),
        architectures=get_args(Detector),
        formats=("onnx",),
    ),
}

# The network that a dense one is built on: what `model.backbone_from` must have been.
BACKBONES: dict[str, str] = {
    "lraspp_mobilenet_v3_large": "mobilenet_v3_large",
    "deeplabv3_mobilenet_v3_large": "mobilenet_v3_large",
    "deeplabv3_resnet50": "resnet50",
    "fcn_resnet50": "resnet50",
    "ssdlite320_mobilenet_v3_large": "mobilenet_v3_large",
    "retinanet_resnet18_fpn": "resnet18",
    "retinanet_resnet50_fpn": "resnet50",
    "fcos_resnet18_fpn": "resnet18",
    "fcos_resnet50_fpn": "resnet50",
}


def format_obstacle(task: Task, form: FormatName) -> str | None:
    """Why networks of a task are not written in a format; None where they are."""
    formats = TERMS[task].formats
    return None if form in formats else f"{task} networks are not written as {form}; take {', '.join(formats)}"
