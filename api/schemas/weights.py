"""Pretrained weights."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.datasets import Name, UploadReference
from contract.results.weights_report import WeightsReport
from contract.specs.model import ClassifierName
from contract.specs.reading import ClassName
from contract.weights import InputRule, Interpolation

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class NewWeights(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "upload_id": "upl_0199f3a2b4c57d01a2b3c4d5e6f70819",
                    "architecture": "resnet18",
                    "licence": "BSD-3-Clause",
                    "source": "torchvision, ResNet18_Weights.IMAGENET1K_V1",
                }
            ]
        },
    )

    upload_id: UploadReference = Field(description="A complete upload of one safetensors file.")
    architecture: ClassifierName = Field(
        description="Whose weights they are: a network that classifies; timm:NAME for any other one of timm."
    )
    licence: Text = Field(description="An SPDX identifier such as `Apache-2.0`, or the name of the licence.")
    source: Text = Field(description="Where they come from: a page, a package, a person.")
    name: Name | None = Field(None, description="Display name. Null: the architecture's.")
    classes: Annotated[list[ClassName], Field(min_length=2, max_length=10_000)] | None = Field(
        None, description="Names of what the network tells apart, in the file's order. Null: unknown, and not needed."
    )
    input: InputRule | None = Field(
        None, description="How the images were prepared. Null: 224 x 224 px, ImageNet's mean and standard deviation."
    )


class WeightsInput(BaseModel):
    """How images are prepared for them."""

    size: tuple[int, int] = Field(description="Height and width in pixels.")
    mean: list[float] = Field(description="Per channel, of pixels scaled to 0..1.")
    std: list[float]
    interpolation: Interpolation
    crop: float = Field(description="Share of the shorter side that the central crop keeps.")


class Weights(BaseModel):
    id: str
    name: str
    built_in: bool = Field(description="Built-in weights belong to every tenant.")
    status: Literal["queued", "running", "ready", "failed", "not_installed"] = Field(
        description="`not_installed`: the service lacks the package that brings these built-in weights."
    )
    architecture: str
    task: str
    classes: list[str] | None
    num_classes: int | None = Field(description="Null until the file was read, and where its head was cut off.")
    channels: int | None
    stem: str | None
    input: WeightsInput
    licence: str
    source: str
    sha256: str | None
    bytes: int | None
    upload_id: str | None
    report: WeightsReport | None = Field(description="How the file's tensors fit the network, without its head.")
    error: dict[str, Any] | None
    created_at: datetime | None = Field(description="Null for built-in weights.")
    links: dict[str, str]
