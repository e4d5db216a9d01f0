"""The manifest of a pack: what an immutable dataset version holds.

Beside it lies samples.arrow, a row an image. Segmentation adds `mask`, a PNG of class numbers as large as the image,
and `classes`, those it shows; detection adds `boxes`, x1, y1, x2, y2 in pixels, and `box_labels`; both add
`annotation_sha256`. Their `label` is the rarest class that the image shows, -1 where it shows none.
"""

from enum import IntEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.tasks import TaskName

BACKGROUND = "background"  # the class of a mask that is no object's; images do not pair by it
IGNORE = 255  # the value of a mask's pixels that are nobody's: neither learnt from nor judged


class Split(IntEnum):
    """The value stored in a pack's `split` column."""

    TRAIN = 0
    VAL = 1
    TEST = 2


class Pairability(BaseModel):
    """Whether training images find a same-class partner, which patch swap needs.

    Of masks and boxes: an image that shows a class, other than a background, which another image shows too.
    """

    share: float  # of training images whose class has at least two of them
    unpairable_classes: list[str]


class BoxSizes(BaseModel):
    """Of the training boxes of the class whose boxes are the smallest: the tenth percentile of their shorter sides."""

    class_name: str
    tenth_px: float  # in pixels of the images themselves
    tenth_share: float  # of the longer side of the box's image


class PackManifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    task: TaskName = "classification"
    classes: list[str]  # a mask's value, or a box's label, is the place in this list
    samples: int
    counts: dict[str, dict[str, int]]  # split name -> class name -> images; of masks: pixels; of boxes: boxes
    images: dict[str, int] | None = None  # split name -> images, where `counts` does not say
    encoding: Literal["raw", "encoded"]  # raw: H*W*C uint8, one size; encoded: JPEG, PNG or WebP files
    channels: Literal[1, 3]
    image_size: tuple[int, int] | None  # height, width where every image has it, else None
    median_size: tuple[int, int]
    mean: list[float]  # per channel over the training split, pixels scaled to 0..1
    std: list[float]
    pairability: Pairability
    evaluation_split: Literal["test", "val"]  # the held-out split that figures are reported on
    digest: str  # sha256 over the sorted samples' (sha256, label, split, and sha256 of mask or boxes)
    bytes: int  # of samples.arrow
    depth_range: tuple[int, int] | None = None  # what became 0 and 255 of images of 16 bits; None: their high byte
    aspects: tuple[float, float, float] | None = None  # width by height: 5 %, median, 95 %; None: of an earlier release
    box_sizes: BoxSizes | None = None  # of detection
    superclasses: dict[str, str] | None = None  # class -> its super-class, of every class; None where none were named

    def split_size(self, split: Literal["train", "val", "test"]) -> int:
        """In images."""
        return sum(self.counts.get(split, {}).values()) if self.images is None else self.images.get(split, 0)
