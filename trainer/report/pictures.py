"""Pixels as data URIs: the images of pairs, and the confusion matrix of many classes."""

import base64
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE_PX = 144  # small images are enlarged to about this, large ones reduced to it
MATRIX_CLASSES = 20  # up to so many a confusion matrix is a table of numbers
HEATMAP_CLASSES = 240  # up to so many it is a picture
_SMALL_PX = 72
_OUTLINE = (230, 60, 200)
_FINEST_PX = 3  # a patch that is drawn smaller gets no outline


def of_pixels(pixels_HWC: NDArray[np.uint8], marked_RC: NDArray[np.bool_] | None = None) -> str:
    """A picture of (H, W, C) uint8 pixels; patches that came from a partner have an outline."""
    height, width, channels = pixels_HWC.shape
    image = Image.fromarray(pixels_HWC.squeeze(-1) if channels == 1 else pixels_HWC).convert("RGB")
    small = max(height, width) <= _SMALL_PX
    scale = SIDE_PX // max(height, width) if small else min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = image.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR)
    if marked_RC is not None:
        _outline(image, marked_RC)
    return _uri(image, "png" if small else "jpeg")


def confusion(shares_KK: NDArray[np.float64]) -> dict[str, Any]:
    """A confusion matrix by how many classes it has: shares for a table, a heatmap, or neither."""
    classes = len(shares_KK)
    heatmap = of_shares(shares_KK) if MATRIX_CLASSES < classes <= HEATMAP_CLASSES else None
    return {"shares": shares_KK if classes <= MATRIX_CLASSES else None, "heatmap": heatmap}


def of_shares(shares_KK: NDArray[np.float64]) -> str:
    """A square per cell, black and the more opaque the larger its share in 0..1, to be laid over any background."""
    scale = max(1, 480 // len(shares_KK))
    opacity = np.rint(255 * shares_KK).astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
    return _uri(Image.merge("LA", (Image.new("L", opacity.shape[::-1]), Image.fromarray(opacity))), "png")


def _outline(image: Image.Image, marked_RC: NDArray[np.bool_]) -> None:
    draw = ImageDraw.Draw(image)
    rows, columns = marked_RC.shape
    step_y, step_x = image.height / rows, image.width / columns
    if min(step_x, step_y) < _FINEST_PX:  # the outlines would be all there is to see
        return
    for row, column in np.argwhere(marked_RC):
        corner = (round(column * step_x), round(row * step_y))
        far = (round((column + 1) * step_x) - 1, round((row + 1) * step_y) - 1)
        draw.rectangle((*corner, *far), outline=_OUTLINE, width=1 if min(step_x, step_y) < 4 * _FINEST_PX else 2)


def _uri(image: Image.Image, form: Literal["png", "jpeg"]) -> str:
    buffer = BytesIO()
    options: dict[str, Any] = {"optimize": True} if form == "png" else {"quality": 85}
    image.save(buffer, form, **options)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"
