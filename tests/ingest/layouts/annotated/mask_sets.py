"""Sets of 24 images with a mask each, and the check that each mask was read as it was drawn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.ingest.layouts.annotated.builders import Files, pictures, save, values
from tests.ingest.layouts.annotated.reading import masks_by_image

NUMBERS = range(24)
PICTURES = pictures(f"images/{n:02}.png" for n in NUMBERS)
TWO = {"classes.txt": b"background\ncrack"}
THREE = {"classes.txt": b"background\ncrack\nrust"}
LABELMAP = {
    "labelmap.txt": b"# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:250,50,83::\nrust:50,183,250::\n"
}
COLOURS = np.array([(0, 0, 0), (250, 50, 83), (50, 183, 250)], np.uint8)


def masks(make: Callable[[int], bytes]) -> Files:
    return PICTURES | {f"masks/{n:02}.png": make(n) for n in NUMBERS}


def plain(levels: tuple[int, ...] = (0, 1, 2)) -> Callable[[int], bytes]:
    return lambda n: save(values(n, levels))


def check(files: Files, folder: Path, levels: int, classes: list[str], **options: object) -> None:
    """Each mask shows the classes 0, 1 and so on where `values` drew its levels."""
    found, named = masks_by_image(files, folder, **options)
    assert named == classes
    for n in NUMBERS:
        np.testing.assert_array_equal(found[f"images/{n:02}.png"], values(n, tuple(range(levels))))
