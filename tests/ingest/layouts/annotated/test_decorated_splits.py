"""Split folders with other words in their names, as with classification: `seg_train` beside `seg_test`."""

from pathlib import Path

import pytest

from contract.pack.manifest import Split
from contract.tasks import TaskName
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from trainer.data.pack import Pack, open_pack

SCENES = scenes.draw(24, seed=8, size=(80, 72))
TRAIN = {scene.name for scene in SCENES[:16]}


def read(files: dict[str, bytes], task: TaskName, folder: Path) -> Pack:
    result = run_ingest(zipped(files), folder, task=task)
    assert result.manifest is not None, result.report.findings
    return open_pack(folder / "out")


def held_out(pack: Pack) -> set[str]:
    paths = pack.table.column("path").to_pylist()
    return {Path(paths[row]).stem for row in pack.rows(Split.TEST).tolist()}


@pytest.mark.parametrize(("train", "test"), [("seg_train", "seg_test"), ("letters-training", "letters-testing")])
def test_masks_keep_the_splits_that_their_folders_state(train: str, test: str, tmp_path: Path) -> None:
    files = layouts.masks(SCENES[:16], split=train) | layouts.masks(SCENES[16:], split=test)
    assert held_out(read(files, "segmentation", tmp_path)) == {scene.name for scene in SCENES} - TRAIN


def test_boxes_keep_the_splits_that_their_folders_state(tmp_path: Path) -> None:
    files = layouts.yolo(SCENES[:16], split="seg_train") | layouts.yolo(SCENES[16:], split="seg_test")
    files["data.yaml"] = files["data.yaml"].replace(b"train: images/train\n", b"")
    assert held_out(read(files, "detection", tmp_path)) == {scene.name for scene in SCENES} - TRAIN


def test_folder_that_is_no_split_is_none(tmp_path: Path) -> None:
    """`test-drive` beside `city`: nothing is held out by it."""
    files = layouts.yolo(SCENES[:16], split="city") | layouts.yolo(SCENES[16:], split="test-drive")
    files["data.yaml"] = files["data.yaml"].replace(b"train: images/train\n", b"")
    assert held_out(read(files, "detection", tmp_path)) & TRAIN
