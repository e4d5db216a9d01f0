"""The vision tasks, a folder each: network, targets, metrics and figures. Here is the one choice among them."""

from trainer.tasks.protocol import Task


def choose(name: str | None) -> Task:
    """The task of a resolved spec. Imported when chosen: each brings libraries that the others need not wait for."""
    match name:
        case "classification":
            from trainer.tasks.classification import task as classification  # noqa: PLC0415

            return classification
        case "segmentation":
            from trainer.tasks.segmentation import task as segmentation  # noqa: PLC0415

            return segmentation
        case "detection":
            from trainer.tasks.detection import task as detection  # noqa: PLC0415

            return detection
    raise ValueError(f"no task {name!r}")
