"""docs/datasets.md, row by row: its example tree is built, with enough images, and read as the row says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from contract.results.ingested import Layout
from contract.specs.reading import ReadingSpec
from tests.data import box_exports, exports, layouts, scenes
from tests.ingest.archives import folders, npz, parquet, pixels, png, zipped
from tests.ingest.packs import run_ingest

DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"
Files = dict[str, bytes]
SCENES = scenes.draw(24, seed=3, size=(80, 72))
NUMBERS = range(1, 25)


class Row(NamedTuple):
    layout: str
    tasks: list[str]
    tree: list[str]

    @property
    def reads_as(self) -> str:
        return self.layout.split("`")[1]


def rows() -> list[Row]:
    lines = [line for line in DOCS.read_text().splitlines() if "<br>" in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(layout, tasks.split(", "), re.findall(r"`([^`]+)`", tree)) for layout, tasks, tree, _ in cells]


def images(folder: str) -> Files:
    return {f"{folder}{n}.png": png(n) for n in NUMBERS}


def lines(pattern: str, header: str = "") -> bytes:
    """One line for each image; {n} is its number, {label} its class, {one} and {two} whether it is of that class."""
    rows = [pattern.format(n=n, label=("cat", "dog")[n % 2], code=n % 2, one=n % 2, two=1 - n % 2) for n in NUMBERS]
    return "\n".join([*([header] if header else []), *rows]).encode()


def in_folders() -> Files:
    return folders({"cat": 12, "dog": 12})


def in_split_folders() -> Files:
    return folders({"cat": 12, "dog": 12}, prefix="train/") | folders({"cat": 4, "dog": 4}, prefix="test/", start=90)


def in_arrays() -> Files:
    return {f"{split}_{what}.npy": b"" for split in ("train", "test") for what in ("images", "labels")}


def in_parquet() -> Files:
    def shard(numbers: range) -> bytes:
        return parquet({"image": [png(n) for n in numbers], "label": ["ab"[n % 2] for n in numbers]})

    names = {"data/train-00000-of-00001.parquet": range(20), "data/test-00000-of-00001.parquet": range(20, 30)}
    return {name: shard(numbers) for name, numbers in names.items()} | {"README.md": b"# a dataset"}


BUILT: dict[str, Callable[[], Files]] = {
    "`image_folder`": in_folders,
    "`image_folder` with splits": in_split_folders,
    "`file_names`": lambda: {
        f"flat/{word}.{n}.png": png(start + n) for start, word in enumerate(("cat", "dog")) for n in range(1, 25, 2)
    },
    "`csv`": lambda: images("images/") | {"labels.csv": lines("{n}.png,{label}", "filename,label")},
    "`one_hot`": lambda: (
        images("train/") | {"train/_classes.csv": lines("{n}.png, {one}, {two}", "filename, cat, dog")}
    ),
    "`metadata_jsonl`": lambda: (
        images("train/") | {"train/metadata.jsonl": lines('{{"file_name": "{n}.png", "label": "{label}"}}')}
    ),
    "`json_labels`": lambda: (
        images("images/") | {"dataset.json": json.dumps({f"{n}.png": ("cat", "dog")[n % 2] for n in NUMBERS}).encode()}
    ),
    "`list`": lambda: images("images/") | {"train.txt": lines("images/{n}.png {code}")},
    "`open_images` for labels": lambda: (
        images("train/")
        | {
            "train-labels.csv": lines("{n},verification,/m/0{code},1", "ImageID,Source,LabelName,Confidence"),
            "class-descriptions.csv": b"/m/00,Cat\n/m/01,Dog\n",
        }
    ),
    "`npz`": in_arrays,
    "`parquet`": in_parquet,
    "`masks`": lambda: layouts.masks(SCENES),
    "`voc`": lambda: layouts.voc_boxes(SCENES),
    "`coco`": lambda: layouts.coco(SCENES),
    "`yolo`": lambda: layouts.yolo(SCENES),
    "`darknet`": lambda: box_exports.darknet(SCENES),
    "`cvat`": lambda: exports.cvat(SCENES),
    "`labelme`": lambda: exports.labelme(SCENES),
    "`supervisely`": lambda: exports.supervisely(SCENES),
    "`label_studio`": lambda: exports.label_studio(SCENES),
    "`via`": lambda: exports.via(SCENES),
    "`vott`": lambda: exports.vott(SCENES),
    "`createml`": lambda: exports.createml(SCENES),
    "`keras_yolo`": lambda: box_exports.keras_yolo(SCENES),
    "`box_csv`": lambda: box_exports.tensorflow_csv(SCENES),
    "`open_images`": lambda: box_exports.open_images(SCENES),
    "`kitti`": lambda: box_exports.kitti(SCENES),
    "`hugging_face`": lambda: box_exports.hugging_face(SCENES),
}
ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=[row.layout for row in ROWS])
def test_the_tree_of_the_row_is_read_as_its_layout(row: Row, tmp_path: Path) -> None:
    files = BUILT[row.layout]()
    assert len(row.tree) == 3
    assert {one_of(path) for path in row.tree} <= {one_of(path) for path in files}
    archive = zipped(files) if row.reads_as != "npz" else arrays()
    result = run_ingest(archive, tmp_path, task=row.tasks[-1])
    assert result.report.status == "ready", result.report.findings[0]
    assert result.report.layout == row.reads_as
    assert result.report.accepted >= 20
    assert result.report.skipped == 0


def test_every_layout_has_a_row() -> None:
    assert {row.reads_as for row in ROWS} == set(Layout.__args__)


def test_every_option_is_in_the_table_of_options() -> None:

    named = set(re.findall(r"\| `(\w+)` \|", DOCS.read_text()))
    assert set(ReadingSpec.model_fields) <= named


def one_of(path: str) -> str:
    """A path with `1` for whatever number the file has."""
    return re.sub(r"(?<![\w-])\d+(?=\.)", "1", path)


def arrays() -> bytes:
    stacks = {
        f"{split}_images": np.stack([pixels(start + n) for n in range(20)])
        for split, start in (("train", 0), ("test", 50))
    }
    return npz(**stacks, **{f"{split}_labels": np.arange(20) % 2 for split in ("train", "test")})
