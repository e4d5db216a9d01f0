"""Masks drawn over their images. Lies in every bundle of a segmentation network too: numpy only."""

import colorsys

import numpy as np
from numpy.typing import NDArray

IGNORED = 255  # the value of a pixel that is nobody's
OPACITY = 0.55


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
