"""CIFAR-100 (Krizhevsky 2009) with few training images a class: drawn from its 50,000, tested on all of its 10,000.

The archive holds `train/CLASS/*` and `test/CLASS/*` as image files without loss, and is read by the product's own
ingest, which takes the validation images out of train. https://www.cs.toronto.edu/~kriz/cifar.html has the original.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.files import PACK_MANIFEST, PACK_SAMPLES
from contract.pack.manifest import PackManifest, Split
from ingest import ingest
from tests.data import packs

ARCHIVE = "cifar100.zip"
VAL_PER_CLASS = 20
SHAPE = (32, 32, 3)


def build(folder: Path, *, draw: int, data: Path, per_class: int) -> PackManifest:
    """The pack of a draw of training images; validation and test are always the same."""
    labels, splits, images = _whole(folder.parent / "cifar100", data / ARCHIVE)
    chosen = np.concatenate(
        [
            _drawn(labels, splits == Split.TRAIN, per_class, seed=draw),
            _drawn(labels, splits == Split.VAL, VAL_PER_CLASS, seed=0),
            np.flatnonzero(splits == Split.TEST),
        ]
    )
    pixels = [np.frombuffer(images[int(row)].as_buffer(), np.uint8).reshape(SHAPE) for row in chosen]
    return packs.write(folder, pixels, labels=labels[chosen], splits=splits[chosen])


def _drawn(labels: NDArray[np.int64], of_split: NDArray[np.bool_], per_class: int, *, seed: int) -> NDArray[np.intp]:
    random = np.random.default_rng((100, seed))
    rows = [np.flatnonzero(of_split & (labels == label)) for label in range(int(labels.max()) + 1)]
    return np.concatenate([np.sort(random.choice(of_class, per_class, replace=False)) for of_class in rows])


def _whole(folder: Path, archive: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], pa.ChunkedArray]:
    """Labels, splits and pixels of all 60,000 images. The archive is ingested once."""
    if not (folder / PACK_MANIFEST).exists():
        folder.mkdir(parents=True, exist_ok=True)
        result = ingest(archive, folder, task="classification", splits=None, progress=lambda _done, _total: None)
        if result.manifest is None:
            raise RuntimeError(f"ingest refused {archive}: {result.report.findings}")
        (folder / PACK_MANIFEST).write_text(result.manifest.model_dump_json())
    with pa.memory_map(str(folder / PACK_SAMPLES)) as file:
        table = pa.ipc.open_file(file).read_all()
    return table["label"].to_numpy().astype(np.int64), table["split"].to_numpy().astype(np.int64), table["image"]
