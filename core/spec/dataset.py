"""The manifest of a pack: what an immutable dataset version holds."""

from enum import IntEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Split(IntEnum):
    """The value stored in a pack's `split` column."""

    TRAIN = 0
    VAL = 1
    TEST = 2


class Pairability(BaseModel):
    """Whether training images find a same-class partner, which patch swap needs."""

    share: float  # of training images whose class has at least two of them
    unpairable_classes: list[str]


class PackManifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    task: Literal["classification"] = "classification"
    classes: list[str]
    samples: int
    counts: dict[str, dict[str, int]]  # split name -> class name -> images
    encoding: Literal["raw", "encoded"]  # raw: H*W*C uint8, one size; encoded: JPEG, PNG or WebP files
    channels: Literal[1, 3]
    image_size: tuple[int, int] | None  # height, width where every image has it, else None
    median_size: tuple[int, int]
    mean: list[float]  # per channel over the training split, pixels scaled to 0..1
    std: list[float]
    pairability: Pairability
    evaluation_split: Literal["test", "val"]  # the held-out split that figures are reported on
    digest: str  # sha256 over the sorted samples' (sha256, label, split)
    bytes: int  # of samples.arrow
    superclasses: dict[str, str] | None = None  # class -> its super-class, of every class; None where none were named

    def split_size(self, split: Literal["train", "val", "test"]) -> int:
        return sum(self.counts.get(split, {}).values())
