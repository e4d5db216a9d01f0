"""What a segmentation network's logits say, and how that is drawn. Lies in every bundle of one as postprocess.py.

numpy and Pillow only.
"""

from __future__ import annotations

import colorsys
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Outputs = list[NDArray[np.float32]]  # of one image: logits_KHW
    # Height and width of the image in the network's frame, and of itself.
    Sizes = tuple[tuple[int, int], tuple[int, int]]
    Place = tuple[int, int, int, int]  # of a tile in the whole: top, left, height, width

IGNORED = 255  # the value of a pixel that is nobody's
OPACITY = 0.55
OPTIONS: dict[str, dict[str, Any]] = {"top": {"default": 5, "least": 1, "help": "classes per image"}}


def answer(outputs: Outputs, labels: list[str], *, sizes: Sizes, top: int) -> dict[str, Any]:  # noqa: ARG001 - for boxes
    """The `top` classes that cover most of the image: the share of its pixels, and their mean probability."""
    (logits_KHW,) = outputs  # noqa: N806 - shape suffix
    shifted = np.exp(logits_KHW.astype(np.float64) - logits_KHW.max(axis=0))
    confidence = (shifted / shifted.sum(axis=0)).max(axis=0)
    of_class = mask(logits_KHW)
    shares = np.bincount(of_class.ravel(), minlength=len(labels)) / of_class.size
    order = [i for i in np.argsort(-shares, kind="stable")[:top] if shares[i] > 0]
    return {
        "classes": [
            {"label": labels[i], "share": float(shares[i]), "probability": float(confidence[of_class == i].mean())}
            for i in order
        ]
    }


def unpadded(outputs: Outputs, content: tuple[int, int]) -> Outputs:
    """The outputs without what lies in the padding: the logits of the content (height, width)."""
    (logits_KHW,), (height, width) = outputs, content  # noqa: N806 - shape suffix
    return [logits_KHW[:, :height, :width]]


def merged(tiles: list[Outputs], places: list[Place]) -> Outputs:
    """The logits of a whole image: those of its tiles averaged, each counting more the farther from the tile's edge."""
    if len(tiles) == 1:
        return tiles[0]
    height = max(top + rows for top, _, rows, _ in places)
    width = max(left + columns for _, left, _, columns in places)
    total = np.zeros((len(tiles[0][0]), height, width), np.float32)
    weights = np.zeros((height, width), np.float32)
    for (logits_KHW,), (top, left, rows, columns) in zip(tiles, places):  # noqa: N806 - shape suffix
        weight = _tent(rows)[:, None] * _tent(columns)[None]
        here = slice(top, top + rows), slice(left, left + columns)
        total[(slice(None), *here)] += logits_KHW * weight
        weights[here] += weight
    return [total / weights]


def classes_of(outputs: Outputs) -> int:
    """How many classes the outputs tell apart."""
    return len(outputs[0])


def mask(logits_KHW: NDArray[np.float32]) -> NDArray[np.uint8]:  # noqa: N803 - shape suffix
    """The likeliest class of each pixel, (H, W)."""
    found: NDArray[np.uint8] = logits_KHW.argmax(axis=0).astype(np.uint8)
    return found


def mask_png(outputs: Outputs) -> bytes:
    """The mask as a gray PNG of class numbers, at the size that the image has in the network's frame."""
    (logits_KHW,) = outputs  # noqa: N806 - shape suffix
    file = BytesIO()
    Image.fromarray(mask(logits_KHW)).save(file, "PNG")
    return file.getvalue()


def draw(image: Image.Image, outputs: Outputs, _found: dict[str, Any]) -> Image.Image:
    """The image at its own size under the colours of its classes."""
    (logits_KHW,) = outputs  # noqa: N806 - shape suffix
    whole = Image.fromarray(mask(logits_KHW)).resize(image.size, Image.Resampling.NEAREST)
    return Image.fromarray(overlay(np.asarray(image.convert("RGB")), np.asarray(whole), colours(len(logits_KHW))))


def colours(count: int) -> NDArray[np.uint8]:
    """So many colours that differ, (count, 3); the same for a class whatever follows it."""
    golden = 0.618034
    found = [colorsys.hsv_to_rgb((number * golden) % 1, 0.75 if number % 2 else 0.95, 0.95) for number in range(count)]
    palette: NDArray[np.uint8] = np.rint(255 * np.array(found).reshape(count, 3)).astype(np.uint8)
    return palette


def overlay(
    pixels_HWC: NDArray[np.uint8],  # noqa: N803 - shape suffix
    mask_HW: NDArray[np.uint8],  # noqa: N803
    palette_K3: NDArray[np.uint8],  # noqa: N803
) -> NDArray[np.uint8]:
    """An image (H, W, 1 or 3) under the colours of its classes, (H, W, 3); what is nobody's keeps its own."""
    whole: NDArray[np.uint8] = np.broadcast_to(pixels_HWC, (*pixels_HWC.shape[:2], 3))
    drawn = palette_K3[np.where(mask_HW == IGNORED, 0, mask_HW)]
    blended = np.rint((1 - OPACITY) * whole + OPACITY * drawn).astype(np.uint8)
    found: NDArray[np.uint8] = np.where((mask_HW == IGNORED)[..., None], whole, blended)
    return found


def _tent(length: int) -> NDArray[np.float32]:
    """1, 2, 3 ... 3, 2, 1."""
    found: NDArray[np.float32] = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)).astype(np.float32)
    return found
