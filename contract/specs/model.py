"""Which network is trained, and what it begins from."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contract.architectures import Classifier, Detector, Segmenter
from contract.strict import Strict

Architecture = Literal["auto", Classifier, Segmenter, Detector]


ModelId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ModelSpec(Strict):
    architecture: Architecture = Field(
        "auto",
        description="auto: resnet18 for classification, lraspp_mobilenet_v3_large for segmentation, "
        "ssdlite320_mobilenet_v3_large for detection.",
    )
    stem: Literal["auto", "small", "imagenet"] = Field(
        "auto", description="small: 3x3 stride 1, no max-pool. auto takes it under 64 px."
    )
    pretrained: None = Field(None, description="Only null: no weights are fetched at run time.")
    backbone_from: ModelId | None = Field(
        None,
        description="Segmentation and detection: begin with the weights of this trained classification model of the "
        "architecture that the name ends in.",
    )
