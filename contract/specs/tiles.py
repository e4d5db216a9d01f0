"""Tiles of images far larger than the network: how many there are, and what `auto` becomes.

Where each of them lies is `portable.preprocess.cut`, which bundles carry. Sizes are (height, width).
"""

from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from contract.strict import Strict

MANY = 64  # tiles of an image, from which a person should know what that costs
MAX_SHRINK = 64


class TilesSpec(Strict):
    """Cut each image into overlapping tiles. A step sees one random tile of each of its images."""

    shrink: Annotated[int, Field(ge=1, le=MAX_SHRINK)] | Literal["auto"] = Field(
        "auto",
        description="Pixels of the image, along each side, that become one of the network: 1 keeps every detail. A "
        "tile covers `image_size` times this. auto: 1; for detection as much as leaves the smallest tenth of boxes "
        "16 px.",
    )
    overlap: float = Field(
        0.25,
        ge=0,
        le=0.75,
        description="The least share of a tile's side that neighbours have in common. Objects up to this size lie "
        "wholly in one of them; larger ones may be found in parts.",
    )


def shrink_for(tiles: TilesSpec, *, smallest_px: float, size: tuple[int, int], image: tuple[int, int]) -> int:
    """What `shrink` becomes where objects may be `smallest_px` times smaller, and images of this size stay tiles."""
    if tiles.shrink != "auto":
        return tiles.shrink
    fits = min(own // side for own, side in zip(image, size, strict=True))
    return max(1, min(int(smallest_px), fits, MAX_SHRINK))


def count(tiles: TilesSpec, *, size: tuple[int, int], image: tuple[int, int]) -> int:
    """Of one image. `tiles` is resolved."""
    along = [_along(own, side * int(tiles.shrink), tiles.overlap) for own, side in zip(image, size, strict=True)]
    return along[0] * along[1]


def _along(length: int, side: int, overlap: float) -> int:
    return 1 if length <= side else ceil((length - side) / max(1, side - ceil(overlap * side))) + 1
