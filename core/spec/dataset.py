"""The manifest of a pack: what an immutable dataset version holds.

Beside it lies samples.arrow: a row an image, with its pixels and its target. The columns between `image` and `split`:

- classification: `label` (int32), an index into `classes`;
- segmentation: `mask` (large_binary), a PNG of mode L or P, of the image's size; pixels are indices into `classes`, or
  IGNORED;
- detection: `boxes` (list of four float32 each: left, top, right, bottom in the image's pixels) and `box_labels` (list
  of int32), indices into `classes`, among which there is none for the background.
"""

from enum import IntEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.spec.tasks import Task

IGNORED = 255  # of a mask: a pixel that is neither learnt from nor judged


class Split(IntEnum):
    """The value stored in a pack's `split` column."""

    TRAIN = 0
    VAL = 1
    TEST = 2


class Pairability(BaseModel):
    """Whether training images find a partner that shares a class, which patch swap needs."""

    share: float  # of training images that share a class, other than the background, with another one
    unpairable_classes: list[str]  # held by one training image


class PackManifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    task: Task = "classification"
    classes: list[str]
    samples: int
    counts: dict[str, dict[str, int]]  # split name -> class name -> images that hold it
    images: dict[str, int] | None = None  # split name -> images; None where each is of one class, and `counts` tells
    amounts: dict[str, dict[str, int]] | None = None  # split name -> class name -> pixels or boxes
    background: str | None = None  # of segmentation: the class of what is nothing else; images do not pair by it
    encoding: Literal["raw", "encoded"]  # raw: H*W*C uint8, one size; encoded: JPEG, PNG or WebP files
    channels: Literal[1, 3]
    image_size: tuple[int, int] | None  # height, width where every image has it, else None
    median_size: tuple[int, int]
    mean: list[float]  # per channel over the training split, pixels scaled to 0..1
    std: list[float]
    pairability: Pairability
    evaluation_split: Literal["test", "val"]  # the held-out split that figures are reported on
    digest: str  # sha256 over the samples' (sha256, target, split); the target is a label, or the sha256 of it
    bytes: int  # of samples.arrow
    superclasses: dict[str, str] | None = None  # class -> its super-class, of every class; None where none were named

    def split_size(self, split: Literal["train", "val", "test"]) -> int:
        return self.images.get(split, 0) if self.images is not None else sum(self.counts.get(split, {}).values())
