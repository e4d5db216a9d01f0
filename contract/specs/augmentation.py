"""How training images are changed each time they are seen."""

from typing import Annotated, Literal

from pydantic import Field

from contract.strict import LATER, Strict

Scale = Annotated[float, Field(ge=0.1, le=10)]
Area = Annotated[float, Field(ge=0.05, le=1)]


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
    random_resized_crop: Annotated[tuple[Area, Area] | None, LATER] = Field(
        None,
        description="Classification: a random part of the image, with an area within these shares and sides of 3:4 to "
        "4:3, is resized to the training size. It takes the place of crop_padding. 0.35 to 1 suits a few hundred "
        "photographs. Null: off.",
    )
    closing_crop: Annotated[tuple[Area, Area] | None, LATER] = Field(
        None,
        description="Classification: takes the place of random_resized_crop in the second half of the training, so "
        "that the network ends with images more like those it is tested on. 0.6 to 1 suits 0.35 to 1 before it. Null: "
        "the same crops to the end.",
    )
    color_jitter: Annotated[float, LATER] = Field(
        0,
        ge=0,
        le=0.9,
        description="Classification: brightness, contrast and saturation are each multiplied by a factor within 1 plus "
        "or minus this. 0: off.",
    )
    trivial_augment: Annotated[bool, LATER] = Field(
        default=False,
        description="Classification: one random operation per image at a random strength (TrivialAugment, Mueller and "
        "Hutter 2021). For long schedules.",
    )
    random_erasing: Annotated[float, LATER] = Field(
        0,
        ge=0,
        le=1,
        description="Classification: the probability that a rectangle of 2 to 33 % of the image is filled with one "
        "random colour. 0: off.",
    )
