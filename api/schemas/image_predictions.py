"""What a model said of each image of a split, by its task."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_BOX = "Left, top, right, bottom in pixels of the image."


class JudgedImage(BaseModel):
    """Null where there is nothing to judge by, as where every pixel of a mask is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    index: int = Field(description="Of the sample in the dataset version; the cursor of this list.")
    split: Literal["train", "val", "test"]
    path: str = Field(description="The file's name in the archive.")
    error: bool | None
    probability: float | None
    loss: float | None
    image_url: str
    thumbnail_url: str


class ClassifiedImage(JudgedImage):
    """`error`: the predicted class is not the label. `probability`: of the predicted class."""

    task: Literal["classification"] = "classification"
    label: str | None
    predicted: str
    label_probability: float | None
    loss: float | None = Field(description="Cross-entropy: -log of the label's probability, in nats.")


class SegmentedClass(BaseModel):
    label: str
    iou: float = Field(description="Pixels in both masks over pixels in either.")
    share: float = Field(description="Of the judged pixels, in the true mask.")
    predicted_share: float = Field(description="In the predicted mask.")


class SegmentedImage(JudgedImage):
    """`error`: a class that the image shows has an IoU below 0.5. `probability`: mean over its pixels."""

    task: Literal["segmentation"] = "segmentation"
    mean_iou: float | None = Field(description="Over the classes that either mask shows.")
    pixel_accuracy: float | None
    boundary_f: float | None
    loss: float | None = Field(description="Cross-entropy: mean over the pixels, in nats.")
    classes: list[SegmentedClass] = Field(description="That either mask shows, in the order of the classes.")
    mask_url: str = Field(description="The true mask.")


class FoundBox(BaseModel):
    label: str
    score: float = Field(description="0 to 1.")
    box: tuple[float, float, float, float] = Field(description=_BOX)
    matched: bool = Field(description="A true box of its class, not matched by a surer one, overlaps it by 0.5.")


class TrueBox(BaseModel):
    label: str
    box: tuple[float, float, float, float] = Field(description=_BOX)
    matched: bool


class DetectedImage(JudgedImage):
    """`error`: a box is missed or spurious. `probability`: the highest score. Boxes from a score of 0.3 on count.

    `loss` is null: boxes have none of a single image.
    """

    task: Literal["detection"] = "detection"
    matched: int
    missed: int = Field(description="True boxes that no found one matches.")
    spurious: int = Field(description="Found boxes that match no true one.")
    found: list[FoundBox] = Field(description="The surest first.")
    truth: list[TrueBox]


AnyJudgedImage = Annotated[
    Annotated[ClassifiedImage, Tag("classification")]
    | Annotated[SegmentedImage, Tag("segmentation")]
    | Annotated[DetectedImage, Tag("detection")],
    Discriminator("task"),
]
_BY_TASK: dict[str, type[JudgedImage]] = {
    "classification": ClassifiedImage,
    "segmentation": SegmentedImage,
    "detection": DetectedImage,
}


def of_task(task: str, row: dict[str, Any], samples_url: str) -> JudgedImage:
    """A row as `contract.predictions` has it. `samples_url` is of the samples of its dataset version."""
    base = f"{samples_url}/{row['index']}"
    urls = {"image_url": f"{base}/image", "thumbnail_url": f"{base}/thumbnail"}
    if task == "segmentation":
        urls["mask_url"] = f"{base}/mask"
    return _BY_TASK[task].model_validate({**row, **urls})
