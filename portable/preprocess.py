"""The one place where an image becomes the tensor a network sees. Lies in every bundle too: numpy and Pillow only.

The rule: upright (EXIF), mode L or RGB as the dataset, resized straight to (height, width) by Pillow's antialiased
BILINEAR with no regard to the aspect ratio, then x / 255, minus mean, over std, per channel, channels first.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def decode(file: bytes, *, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """An image file as (height, width, channels) uint8."""
    with Image.open(BytesIO(file)) as image:
        return to_pixels(image, height=height, width=width, channels=channels)


def to_pixels(
    image: Image.Image, *, height: int, width: int, channels: int, depth_range: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """An image as (height, width, channels) uint8. Raises ValueError for pixels without a known range."""
    if image.mode in {"I", "F"}:
        raise ValueError(f"pixels of mode {image.mode} have no agreed range; save the image with 8 bits a channel")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):  # as ingest takes it; Pillow's own conversion clips
        upright = Image.fromarray(to_8_bits(np.asarray(upright), depth_range))
    upright = upright.convert("L" if channels == 1 else "RGB")
    if upright.size != (width, height):
        upright = upright.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(upright, dtype=np.uint8).reshape(height, width, channels)


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
    scaled = pixels_BHWC.astype(np.float32) / np.float32(255)
    normalised = (scaled - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))


def to_input(image: Image.Image, rules: dict[str, Any]) -> NDArray[np.float32]:
    """An image as the network's input (1, C, height, width), by what preprocess.json says. Raises ValueError."""
    channels = 1 if rules["mode"] == "L" else 3
    size = {"height": rules["height"], "width": rules["width"]}
    pixels = to_pixels(image, **size, channels=channels, depth_range=rules.get("depth_range"))
    return normalise(pixels[None], rules["mean"], rules["std"])
