"""The one place where an image becomes the tensor a network sees. Lies in every bundle too: numpy and Pillow only.

The rule: upright (EXIF), mode L or RGB as the dataset, resized by Pillow's antialiased BILINEAR first in width and then
in height, then x / 255, minus mean, over std, per channel, channels first. By `stretch` an image fills the frame of
(height, width) whatever its aspect ratio. By `letterbox` it keeps its aspect ratio, lies at the top left and leaves
gray of level `PADDING`.

Images far larger than the frame may be cut into overlapping tiles: each is an image of its own for this rule.
"""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PADDING = 114  # as the YOLO family pads; one number for every channel, whatever the dataset
LETTERBOX, STRETCH = "letterbox", "stretch"


class Tile(NamedTuple):
    """A part of an image: what to crop, and where its outputs lie among those of the whole."""

    crop: tuple[int, int, int, int]  # left, top, right, bottom in pixels of the image, as Pillow crops
    place: tuple[int, int, int, int]  # top, left, height, width in pixels of the network


def decode(file: bytes, *, height: int, width: int, channels: int, fit: str = STRETCH) -> NDArray[np.uint8]:
    """An image file as (height, width, channels) uint8."""
    with Image.open(BytesIO(file)) as image:
        return to_pixels(image, height=height, width=width, channels=channels, fit=fit)


def to_pixels(
    image: Image.Image,
    *,
    height: int,
    width: int,
    channels: int,
    depth_range: Sequence[int] | None = None,
    fit: str = STRETCH,
) -> NDArray[np.uint8]:
    """An image as (height, width, channels) uint8. Raises ValueError for pixels without a known range."""
    if image.mode in {"I", "F"}:
        raise ValueError(f"pixels of mode {image.mode} have no agreed range; save the image with 8 bits a channel")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):  # as ingest takes it; Pillow's own conversion clips
        upright = Image.fromarray(to_8_bits(np.asarray(upright), depth_range))
    upright = upright.convert("L" if channels == 1 else "RGB")
    rows, columns = content_size((upright.height, upright.width), height=height, width=width, fit=fit)
    # Along the rows first, each pass rounded: Pillow 13 would begin with the columns of some images, and differ by 1.
    for size in ((columns, upright.height), (columns, rows)):
        if upright.size != size:
            upright = upright.resize(size, Image.Resampling.BILINEAR)
    content = np.asarray(upright, dtype=np.uint8).reshape(rows, columns, channels)
    return framed(content, height=height, width=width, fill=PADDING)


def content_size(size: tuple[int, int], *, height: int, width: int, fit: str) -> tuple[int, int]:
    """Height and width that an image of `size` (height, width) takes within the frame; the rest is padding.

    Integers only, half a pixel rounded up, so that other languages find the same. Raises ValueError for no fit.
    """
    if fit == STRETCH:
        return height, width
    if fit != LETTERBOX:
        raise ValueError(f"there is no fit {fit!r}; there are {STRETCH} and {LETTERBOX}")
    rows, columns = size
    if columns * height >= rows * width:  # as wide as the frame, or wider by its aspect
        return max(1, (2 * rows * width + columns) // (2 * columns)), width
    return height, max(1, (2 * columns * height + rows) // (2 * rows))


def framed(content_HWC: NDArray[np.uint8], *, height: int, width: int, fill: int) -> NDArray[np.uint8]:  # noqa: N803 - shape suffix
    """The content at the top left of a frame, the rest of which is `fill`."""
    if content_HWC.shape[:2] == (height, width):
        return content_HWC
    frame = np.full((height, width, *content_HWC.shape[2:]), fill, np.uint8)
    frame[: content_HWC.shape[0], : content_HWC.shape[1]] = content_HWC
    return frame


def to_8_bits(wide: NDArray[Any], depth_range: Sequence[int] | None) -> NDArray[np.uint8]:
    """Values of 16 bits in 0..255: scaled so that `depth_range` fills them, or by their high byte where it is None."""
    if depth_range is None:
        return (wide >> 8).astype(np.uint8)
    low, high = depth_range
    span = max(high - low, 1)
    scaled = (np.clip(wide.astype(np.int64) - low, 0, span) * 255 + span // 2) // span
    return scaled.astype(np.uint8)


def normalise(pixels_BHWC: NDArray[np.uint8], mean: list[float], std: list[float]) -> NDArray[np.float32]:  # noqa: N803 - shape suffix
    """A batch (B, H, W, C) uint8 as the network's input (B, C, H, W) float32."""
    # Plane by plane: ten times as fast as with statistics that change at every value, and the same bits.
    planes = pixels_BHWC.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    planes /= np.float32(255)
    planes -= np.asarray(mean, np.float32).reshape(-1, 1, 1)
    planes /= np.asarray(std, np.float32).reshape(-1, 1, 1)
    return planes


def to_input(image: Image.Image, rules: dict[str, Any]) -> NDArray[np.float32]:
    """An image as the network's input (1, C, height, width), by what preprocess.json says. Raises ValueError."""
    channels = 1 if rules["mode"] == "L" else 3
    size = {"height": rules["height"], "width": rules["width"], "fit": fit_of(rules)}
    pixels = to_pixels(image, **size, channels=channels, depth_range=rules.get("depth_range"))
    return normalise(pixels[None], rules["mean"], rules["std"])


def content_of(size: tuple[int, int], rules: dict[str, Any]) -> tuple[int, int]:
    """`content_size` of an upright image, by what preprocess.json says."""
    return content_size(size, height=rules["height"], width=rules["width"], fit=fit_of(rules))


def fit_of(rules: dict[str, Any]) -> str:
    """How images are laid into the frame; bundles of release 0.1 do not say it and stretch."""
    fit: str = rules.get("fit", STRETCH)
    return fit


def tiles_of(size: tuple[int, int], rules: dict[str, Any]) -> list[Tile]:
    """The tiles of an upright image, by what preprocess.json says; one, the image itself, where it says nothing."""
    tiles = rules.get("tiles")
    if tiles is None:
        return [_whole(size, content_of(size, rules))]
    return cut(size, height=rules["height"], width=rules["width"], **tiles)


def cut(size: tuple[int, int], *, height: int, width: int, shrink: int, overlap: float) -> list[Tile]:
    """Letterboxed tiles that cover an image of `size` (height, width), row by row.

    A tile is `shrink` times the frame; neighbours share at least `overlap` of its side, so what is smaller than that
    lies wholly in one of them. An image that is no larger than a tile is one tile.
    """
    sides = height * shrink, width * shrink
    if size[0] <= sides[0] and size[1] <= sides[1]:
        return [_whole(size, content_size(size, height=height, width=width, fit=LETTERBOX))]
    rows, columns = (_starts(own, side, overlap) for own, side in zip(size, sides))
    found = []
    for top in rows:
        for left in columns:
            bottom, right = min(top + sides[0], size[0]), min(left + sides[1], size[1])
            content = content_size((bottom - top, right - left), height=height, width=width, fit=LETTERBOX)
            found.append(Tile((left, top, right, bottom), (_shrunk(top, shrink), _shrunk(left, shrink), *content)))
    return found


def parts(image: Image.Image, tiles: Sequence[Tile]) -> list[Image.Image]:
    """The tiles of an upright image as images."""
    return [image] if len(tiles) == 1 else [image.crop(tile.crop) for tile in tiles]


def whole_size(tiles: Sequence[Tile]) -> tuple[int, int]:
    """Height and width of all tiles together, in pixels of the network."""
    ends = [(top + height, left + width) for _, (top, left, height, width) in tiles]
    return max(end[0] for end in ends), max(end[1] for end in ends)


def _whole(size: tuple[int, int], content: tuple[int, int]) -> Tile:
    return Tile((0, 0, size[1], size[0]), (0, 0, *content))


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Where tiles begin along an axis, evenly spaced from one end to the other."""
    if length <= side:
        return [0]
    steps = ceil((length - side) / max(1, side - ceil(overlap * side)))
    return [step * (length - side) // steps for step in range(steps + 1)]


def _shrunk(start: int, shrink: int) -> int:
    """Half a pixel rounded up, as `content_size` rounds."""
    return (2 * start + shrink) // (2 * shrink)
