"""The packs of a draw: scenes with masks or boxes, and the single letters that a backbone is trained on first.

Every draw has its own training scenes; validation and test are always the same. Ingest makes the packs, from a layout
that a customer may send.
"""

from pathlib import Path

import numpy as np

from bench.results import fonts
from contract.pack.manifest import PackManifest, Split
from contract.tasks import TaskName
from ingest import ingest
from tests.data import layouts, packs, scenes
from tests.ingest.archives import zipped

SIDE_PX = 48
LETTERS = ("A", "S")
LETTERS_AT_MOST = 2  # in a scene
FAMILIES = 24  # of fonts, which all splits share
SCENES = {Split.TRAIN: 400, Split.VAL: 30, Split.TEST: 200}
ALPHABET = scenes.LETTERS  # of the classifiers: the scenes' letters and others
SINGLE = {Split.TRAIN: 160, Split.VAL: 20, Split.TEST: 20}


def build(task: TaskName, folder: Path, *, draw: int) -> PackManifest:
    folder.mkdir(parents=True, exist_ok=True)
    if task == "classification":
        return _letters(folder, draw)
    files: layouts.Files = {}
    for split, drawn in _scenes(draw).items():
        lay = layouts.masks if task == "segmentation" else layouts.coco
        files |= lay(drawn, LETTERS, split=split.name.lower())
    archive = folder / "archive.zip"
    archive.write_bytes(zipped(files))
    result = ingest(archive, folder, task=task, splits=None, progress=lambda _done, _total: None)
    if result.manifest is None:
        raise RuntimeError(f"ingest refused the scenes: {result.report.findings}")
    return result.manifest


def families() -> list[str]:
    return list(fonts.families(FAMILIES))


def _scenes(draw: int) -> dict[Split, list[scenes.Scene]]:
    size = (SIDE_PX, SIDE_PX)
    return {
        split: scenes.draw(
            count, seed=_seed(split, draw), size=size, letters=LETTERS, most=LETTERS_AT_MOST, faces=_faces()
        )
        for split, count in SCENES.items()
    }


def _letters(folder: Path, draw: int) -> PackManifest:
    """One letter in a scene, which is its class."""
    images, labels, splits = [], [], []
    for split, count in SINGLE.items():
        drawn = scenes.draw(
            count, seed=500 + _seed(split, draw), size=(SIDE_PX, SIDE_PX), letters=ALPHABET, most=1, faces=_faces()
        )
        images += [scene.image for scene in drawn]
        labels += [int(scene.labels[0]) for scene in drawn]
        splits += [split] * count
    return packs.write(folder, images, labels=np.array(labels), splits=np.array(splits))


def _seed(split: Split, draw: int) -> int:
    return 10 + draw if split == Split.TRAIN else int(split)


def _faces() -> tuple[Path, ...]:
    return tuple(fonts.families(FAMILIES).values())
