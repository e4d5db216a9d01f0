"""Marks of a picture that its EXIF block turns: they may be of the file as it is stored, or of the upright picture.

The size that an annotation states decides where the two differ in it. Where nothing decides, the upright picture is
taken, as viewers, browsers and most tools that draw show it, and that is said.
"""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from ingest import marks
from ingest.annotations.boxes import StatedBoxes
from ingest.annotations.masks import of_values
from ingest.images.images import TURNS
from ingest.limits import Limits
from ingest.marks import Annotation, Marks
from ingest.notes import Note, Unusable

_LYING = 5  # from this orientation on EXIF swaps width and height
_STORED = Note(
    "info",
    "marks_turned",
    "the annotation states the size of the picture before its EXIF block turns it, so it was turned along",
)
_EITHER = Note(
    "warning",
    "marks_of_turned_image",
    "the image was turned upright, as its EXIF block asks, and its annotation was read as drawn on the upright one; "
    "nothing says that it was not drawn on the picture as stored",
    "Look at the images with `patchswap datasets look`. If boxes or masks lie wrong, remove the orientation from the "
    "files without turning them: `exiftool -Orientation= FOLDER`.",
)


def fitted(annotation: Annotation, height: int, width: int, orientation: int, limits: Limits) -> Marks:
    """The marks of an upright picture of this size. Raises Unusable."""
    if orientation == 1:
        return annotation.fit(height, width, limits)
    try:
        found = annotation.fit(height, width, limits)
    except Unusable as unusable:
        if unusable.fault.code != "size_mismatch" or orientation < _LYING:
            raise
        found = _turned(annotation.fit(width, height, limits), annotation, orientation, height, width)
        return replace(found, notes=(*found.notes, _STORED))
    decided = annotation.sized and orientation >= _LYING and height != width
    return found if decided or not found.classes else replace(found, notes=(*found.notes, _EITHER))


def _turned(found: Marks, annotation: Annotation, orientation: int, height: int, width: int) -> Marks:
    """`height`, `width`: of the upright picture."""
    if isinstance(annotation, StatedBoxes):
        boxes, labels = marks.to_boxes(found.stored)
        x, y = boxes[:, [0, 2]], boxes[:, [1, 3]]
        across = y if orientation in {5, 8} else width - y[:, ::-1]
        down = x if orientation in {5, 6} else height - x[:, ::-1]
        turned = np.stack([across[:, 0], down[:, 0], across[:, 1], down[:, 1]], axis=1).astype(np.float32)
        return marks.of_boxes(turned, labels, found.notes)
    with Image.open(BytesIO(found.stored), formats=["PNG"]) as mask:
        return of_values(np.asarray(mask.transpose(TURNS[orientation])), found.notes)
