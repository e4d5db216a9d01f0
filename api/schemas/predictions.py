"""What an exported file says of an image, by the task of its model."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag


class Guess(BaseModel):
    label: str
    probability: float


class PredictionLatency(BaseModel):
    """Milliseconds of this one image, on whatever the service runs on and beside whatever else runs there."""

    decode: float = Field(description="From the file to pixels, in a process of its own, its start included.")
    model: float = Field(description="The exported file alone.")
    total: float = Field(description="Of the service, from the whole body to the answer.")


class Answered(BaseModel):
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    model_id: str
    export_id: str
    format: str
    precision: str
    latency_ms: PredictionLatency


class Prediction(Answered):
    """Of a classifier."""

    task: Literal["classification"] = "classification"
    label: str
    probability: float
    top: list[Guess] = Field(description="The most probable labels, best first; as infer.py of the bundle says.")


class SegmentShare(BaseModel):
    label: str
    share: float = Field(description="Of the image's pixels.")
    probability: float = Field(description="Mean over these pixels.")


class SegmentationPrediction(Answered):
    task: Literal["segmentation"] = "segmentation"
    image_size: tuple[int, int] = Field(description="Height and width of the image, upright.")
    classes: list[SegmentShare] = Field(description="Those that cover most of the image, the largest first.")
    labels: list[str] = Field(description="Of all classes: a pixel of the mask with the number n shows labels[n].")
    mask: str = Field(
        description="A PNG in base64, gray, of class numbers, at the size that the image has in the network, without "
        "padding; scale it to the image's by nearest neighbour. With `Accept: image/png` it is the answer itself."
    )


class Detection(BaseModel):
    label: str
    score: float = Field(description="0 to 1.")
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom in pixels of the image.")


class DetectionPrediction(Answered):
    task: Literal["detection"] = "detection"
    image_size: tuple[int, int] = Field(description="Height and width of the image, upright.")
    detections: list[Detection] = Field(description="The surest first, after suppressing what overlaps.")


AnyPrediction = Annotated[
    Annotated[Prediction, Tag("classification")]
    | Annotated[SegmentationPrediction, Tag("segmentation")]
    | Annotated[DetectionPrediction, Tag("detection")],
    Discriminator("task"),
]
BY_TASK: dict[str, type[Answered]] = {
    "classification": Prediction,
    "segmentation": SegmentationPrediction,
    "detection": DetectionPrediction,
}


def of_task(task: str, **told: Any) -> Answered:
    """The answer of a task; what its schema does not have is left out."""
    return BY_TASK[task].model_validate(told)
