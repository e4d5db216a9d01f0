"""The data sets of the study and how long each method trains on them. No file of them is downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.results import digits, glyphs, parts
from contract.pack.manifest import PackManifest


@dataclass(frozen=True)
class Dataset:
    title: str
    description: str
    build: Callable[..., PackManifest]  # (folder, draw=...): a pack whose training images are those of the draw
    epochs: int  # each shows 2 images for every training image; chosen for about as many seconds on every data set
    horizontal_flip: bool
    pairs_per_batch: int = 32
    sources: Callable[[], dict[str, list[str]]] | None = None  # what it was made of, where that is the machine's


def _digits(per_class: int, epochs: int) -> Dataset:
    return Dataset(
        title=f"Digits, {per_class} training images per class",
        description=f"scikit-learn's scans of handwritten digits, 8 px, gray, 10 classes: {10 * per_class} images to "
        f"train, {10 * digits.VAL_PER_CLASS} to validate, {10 * digits.TEST_PER_CLASS} to test.",
        build=partial(digits.build, per_class=per_class),
        epochs=epochs,
        horizontal_flip=False,
    )


DATASETS: dict[str, Dataset] = {
    "digits_10": _digits(10, epochs=50),
    "digits_50": _digits(50, epochs=16),
    "digits_100": _digits(100, epochs=8),
    "glyphs": Dataset(
        title="Glyphs",
        description="Letters A to Z, 16 px, gray, 26 classes, in fonts of Debian's packages; the fonts of training "
        f"({glyphs.FONTS[0]} in each draw, out of {glyphs.POOL}), validation ({glyphs.FONTS[1]}) and test "
        f"({glyphs.FONTS[2]}) are different families, near copies left out.",
        build=glyphs.build,
        epochs=10,
        horizontal_flip=False,
        sources=glyphs.families,
    ),
    "parts": Dataset(
        title="Parts on photographs",
        description=f"{parts.COPIES} copies of a textured part of {parts.PART_PX} px on a crop of a photograph, "
        f"{parts.SIDE_PX} px, colour, {len(parts.TEXTURES)} classes: {parts.PER_CLASS[0]} images of each to train, "
        f"{parts.PER_CLASS[1]} to validate, {parts.PER_CLASS[2]} to test, on different photographs.",
        build=parts.build,
        epochs=10,
        horizontal_flip=True,
        pairs_per_batch=16,  # of 32, cross-entropy had not yet begun to learn by the end with some rates
    ),
}
