"""Seeds draw their own training scenes and are judged on the same ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from bench.scenes import packs
from bench.scenes.plan import TASKS
from contract.pack.manifest import Split
from contract.tasks import TaskName
from tests.data import scenes


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few scenes, in the faces of a bare checkout."""
    monkeypatch.setattr(packs, "SCENES", {Split.TRAIN: 8, Split.VAL: 4, Split.TEST: 6})
    monkeypatch.setattr(packs, "SINGLE", {Split.TRAIN: 8, Split.VAL: 4, Split.TEST: 4})
    monkeypatch.setattr(packs, "_faces", scenes.default_faces)


def digests(folder: Path, split: Split) -> set[bytes]:
    with pa.memory_map(str(folder / "samples.arrow")) as file:
        rows = pa.ipc.open_file(file).read_all().to_pylist()
    return {row["sha256"] for row in rows if row["split"] == split}


@pytest.mark.parametrize("task", [*TASKS, "classification"])
def test_a_draw_changes_the_training_images_alone(task: TaskName, tmp_path: Path):
    made = [packs.build(task, tmp_path / str(draw), draw=draw) for draw in (1, 2)]
    assert {one.task for one in made} == {task}
    first, second = (tmp_path / str(draw) for draw in (1, 2))
    assert not digests(first, Split.TRAIN) & digests(second, Split.TRAIN)
    assert digests(first, Split.TEST) == digests(second, Split.TEST) != set()
    assert packs.build(task, tmp_path / "again", draw=1).digest == made[0].digest
