"""scikit-learn's handwritten digits (1,797 scans of 8 x 8 px) as an ImageFolder zip, with few images to train on."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

TRAIN_PER_CLASS = 10
VAL_PER_CLASS = 10
DRAW_SEED = 0  # which images train; the same for every run, so that the archive is the same


def write(path: Path) -> Counter[str]:
    """Write train/, val/ and test/ folders of PNG files; gives the number of images of each."""
    import numpy as np  # noqa: PLC0415 - of the extra [all]
    from sklearn import datasets  # noqa: PLC0415

    scans = datasets.load_digits()
    counts: Counter[str] = Counter()
    of_class: Counter[int] = Counter()
    with zipfile.ZipFile(path, "w") as archive:
        for index in np.random.default_rng(DRAW_SEED).permutation(len(scans.images)).tolist():
            label = int(scans.target[index])
            split = _split(of_class[label])
            of_class[label] += 1
            counts[split] += 1
            entry = zipfile.ZipInfo(f"digits/{split}/{label}/{index:04d}.png", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, _png(scans.images[index]))
    return counts


def _split(rank: int) -> str:
    """Of the image that is number `rank` of its class in the draw."""
    if rank < TRAIN_PER_CLASS:
        return "train"
    return "val" if rank < TRAIN_PER_CLASS + VAL_PER_CLASS else "test"


def _png(scan: np.ndarray) -> bytes:
    """The scan's 17 gray levels, spread over 0..255."""
    from PIL import Image  # noqa: PLC0415

    buffer = io.BytesIO()
    Image.fromarray((scan * 255 / 16).round().astype("uint8")).save(buffer, "PNG")
    return buffer.getvalue()
