"""What ingest noticed of a pack, for people to look at before they train: twins, classes alike, sizes, what is missing.

Pictures are named by their index in the pack, as samples are.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

TwinKind = Literal["leak", "contradiction", "repeat"]
MAX_TWINS = 200  # listed, of each kind
MAX_LEFT_OUT = 12  # listed, of each kind of finding


class Inspected(BaseModel):
    """A part of an inspection. What is answered always has every field."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Twins(Inspected):
    """Two pictures that look nearly the same."""

    kind: TwinKind  # leak: in train and in a held-out split; contradiction: of different classes; repeat: neither
    first: int  # of a leak the held-out one
    second: int
    similarity: float  # 0.98 to 1: correlation of colours at 16 x 16 px


class NearDuplicates(Inspected):
    compared: int  # pictures
    pairs: dict[TwinKind, int]  # a pair that is a leak and contradicts counts as both
    leaked: dict[str, int]  # held-out split -> pictures that have a twin in train
    listed: list[Twins]  # the most similar first, at most MAX_TWINS of each kind


class AlikeClasses(Inspected):
    """Two classes that colours and outlines of small copies hardly tell apart."""

    first: str
    second: str
    mixed: float  # of nearest neighbours within the two, the share of the other class; 0.5: no difference to be seen


class Histogram(Inspected):
    """Counts by size in pixels; each bin begins at an edge and ends before the next."""

    edges: list[int]  # one more than counts
    counts: list[int]
    smallest_tenth: int  # a tenth is at most this size
    median: int
    largest_tenth: int


class LeftOut(Inspected):
    """A picture that is not in the pack."""

    path: str
    code: str  # the finding that says why
    thumbnail: str | None  # a data URI; None where the file could not be decoded, or was not opened


class Inspection(Inspected):
    version: Literal[1] = 1
    near_duplicates: NearDuplicates
    alike_classes: list[AlikeClasses] | None  # None: not looked for, as of masks and boxes
    image_sizes: Histogram  # of the shorter side
    box_sizes: Histogram | None  # square root of the area; None where there are no boxes
    left_out: list[LeftOut]
