"""The vision tasks as all rooms agree on them: what each may be asked, and by which figure it is judged."""

from dataclasses import dataclass
from typing import Literal, get_args

from contract.architectures import TIMM, Classifier, Detector, Segmenter
from contract.formats import FORMATS, FormatName

TaskName = Literal["classification", "segmentation", "detection"]


@dataclass(frozen=True)
class Terms:
    """What is said of a task outside the trainer."""

    headline: str  # the figure of an evaluation that tables show and gates look at; the higher the better
    headline_name: str  # as people read it
    validated: tuple[str, ...]  # metrics of validation, the one that a run is judged by first
    architectures: tuple[str, ...]  # the default first
    formats: tuple[FormatName, ...]  # that its networks are written in
    takes_timm: bool = False  # any classifier of timm by its name

    def has(self, architecture: str) -> bool:
        """Whether a network is for the task."""
        return architecture in self.architectures or (self.takes_timm and architecture.startswith(TIMM))


TERMS: dict[TaskName, Terms] = {
    "classification": Terms(
        headline="top1_accuracy",
        headline_name="top-1 accuracy",
        validated=("val.top1_accuracy", "val.nll"),
        architectures=get_args(Classifier),
        formats=tuple(FORMATS),
        takes_timm=True,
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


def format_obstacle(task: TaskName, form: FormatName) -> str | None:
    """Why networks of a task are not written in a format; None where they are."""
    formats = TERMS[task].formats
    return None if form in formats else f"Networks for {task} are not written as {form}. Take {', '.join(formats)}."
