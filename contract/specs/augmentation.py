"""How training images are changed each time they are seen."""

from typing import Annotated, Literal

from pydantic import Field

from contract.strict import Strict

Scale = Annotated[float, Field(ge=0.1, le=10)]


class AugmentationSpec(Strict):
    crop_padding: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = Field(
        "auto",
        description="Classification: pixels added around before a random crop. auto: an eighth of the shorter side.",
    )
    horizontal_flip: bool = Field(default=True, description="Switch off where left and right differ, as in digits.")
    scale_jitter: tuple[Scale, Scale] | Literal["auto"] = Field(
        "auto",
        description="Segmentation and detection: an image is resized by a factor within these, then cropped or padded "
        "to its size. auto: 0.5 to 2; classification: 1 to 1, which is none.",
    )
    photometric: bool | Literal["auto"] = Field(
        "auto", description="Segmentation and detection: change brightness, contrast, saturation and hue. auto: true."
    )
