"""What must come of archives that were once read wrongly, by the archive's name.

Those of classification lie in `kept/`. `python -m tests.ingest.cases.kept_cases FOLDER` judges every archive below a
folder that it knows by name, with `NAME.truth.json` beside it where there is one; `make data-cases` calls it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from contract.tasks import TaskName
from ingest import IngestResult, ingest

KEPT = Path(__file__).parent / "kept"
_PIXELS = 0.51  # YOLO's shares are rounded


class Expected(NamedTuple):
    """`classes`: none where the archive has to be refused; `said`: codes of findings that must be among the others."""

    task: TaskName
    classes: tuple[str, ...] = ()
    splits: dict[str, int] = {}  # noqa: RUF012 - never changed
    said: tuple[str, ...] = ()
    images: int = 0


CASES = {
    "hf_jsonl": Expected("classification", ("healthy", "rust"), {"test": 8}, images=28),
    "rf_multiclass": Expected("classification", ("apple", "pear"), {"train": 24, "val": 6, "test": 8}),
    "kaggle_sets": Expected("classification", ("cats", "dogs"), {"test": 8}, images=32),
    "c_cross": Expected("classification", said=("table_unmatched",)),
    "c_absdup": Expected("classification", ("healthy", "rust"), images=24),
    "c_utf16": Expected("classification", ("healthy", "rust"), images=24),
    "i_12bit": Expected("classification", ("ant", "bee"), said=("depth_scaled",), images=40),
    "coco_cams": Expected("detection", ("pallet",), said=("image_missing",), images=20),
    "coco_dupids": Expected("detection", said=("image_id_repeated",)),
    "pose4xy": Expected("detection", ("plate", "tag"), said=("keypoints_left_out",), images=24),
    "m_cvat": Expected("segmentation", ("background", "crack", "rust"), images=24),
    "m_cvat_opt": Expected("segmentation", ("background", "crack", "rust"), images=24),
    "m_bin255": Expected("segmentation", ("background", "crack"), said=("masks_black_and_white",), images=24),
    "m_bin255_nocls": Expected("segmentation", ("background", "foreground"), said=("masks_black_and_white",)),
    "t_det0": Expected("detection", ("red", "green"), images=40),
    "t_det2": Expected("detection", ("red", "green"), images=40),
    "labelimg_beside": Expected("detection", ("a", "b"), images=24),
    "t_seg0": Expected("segmentation", ("background", "red", "green"), images=40),
    "yesno": Expected("detection", ("no", "yes"), images=24),
    "gapnames": Expected("detection", ("cat", "dog"), images=24),
    "coins": Expected("detection", ("1 euro", "2 euro", "50 cent"), images=24),
    "listsplit": Expected("detection", ("a", "b"), {"train": 14, "val": 4, "test": 6}),
    "coco_norm": Expected("detection", said=("box_in_shares",)),
    "v_subdup": Expected("detection", ("cat", "dog"), images=24),
    "dup": Expected("detection", ("a", "b"), said=("box_repeated",), images=24),
    "nested_all": Expected("segmentation", ("background", "car", "tyre"), said=("regions_overlap",), images=24),
}


def judge(archive: Path) -> list[str]:
    """What is wrong with how an archive is read, as sentences."""
    expected = CASES[archive.stem]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        result = ingest(archive, out, task=expected.task, splits=None, progress=lambda _done, _total: None)
        wrong = list(_of_report(expected, result))
        truth = archive.with_name(f"{archive.stem}.truth.json")
        if truth.is_file() and result.manifest is not None:
            wrong += _of_truth(json.loads(truth.read_bytes()), expected, result, out)
    return wrong


def _of_report(expected: Expected, result: IngestResult) -> Iterator[str]:
    report = result.report
    found = tuple(result.manifest.classes) if result.manifest else ()
    if found != expected.classes:
        yield f"classes are {found}, not {expected.classes}; {report.findings[:1]}"
    for code in expected.said:
        if code not in report.counts:
            yield f"the report does not say {code}, only {sorted(report.counts)}"
    for split, count in expected.splits.items():
        if report.splits.get(split) != count:
            yield f"{split} has {report.splits.get(split)} images, not {count}"
    if expected.images and report.accepted != expected.images:
        yield f"{report.accepted} images were accepted, not {expected.images}"


def _of_truth(truth: Any, expected: Expected, result: IngestResult, out: Path) -> Iterator[str]:
    if expected.task == "detection":
        yield from _of_boxes(truth, out)
        return
    totals: dict[str, int] = {}
    for split in result.report.amounts.values():
        for name, pixels in split.items():
            totals[name] = totals.get(name, 0) + pixels
    if isinstance(truth, dict):  # the area of all regions of a class, of which smaller ones of others may hide some
        for name, pixels in truth.items():
            hidden = sum(truth.values()) - pixels
            if totals.get(name) not in {pixels, pixels - hidden}:
                yield f"{name} has {totals.get(name)} pixels, not {pixels}"
        return
    objects = sum(truth[1:])
    stated = [truth[0], objects] if len(totals) == 2 else truth
    if sorted(totals.values()) != sorted(stated):
        yield f"pixels are {totals}, not {stated}"


def _of_boxes(truth: Any, out: Path) -> Iterator[str]:
    with pa.memory_map(str(out / "samples.arrow")) as file:
        rows = {row["path"]: row for row in pa.ipc.open_file(file).read_all().to_pylist()}
    named = truth if isinstance(truth, dict) else dict(zip(sorted(rows), truth, strict=True))
    for path, stated in named.items():
        boxes = rows[path]["boxes"] if path in rows else []
        x, y, width, height = stated[1:]
        corners = (x, y, x + width, y + height)
        if len(boxes) != 1 or max(abs(a - b) for a, b in zip(boxes[0], corners, strict=True)) > _PIXELS:
            yield f"{path} has the boxes {boxes}, not {corners}"
            return


def main(folder: Path) -> int:
    archives = [path for path in sorted(folder.rglob("*.zip")) if path.stem in CASES]
    if not archives:
        print(f"{folder} holds none of the {len(CASES)} archives; pass CASES=FOLDER to judge them")
        return 1
    bad = 0
    for archive in archives:
        wrong = judge(archive)
        bad += bool(wrong)
        print(f"{'wrong' if wrong else 'right'}  {archive.stem}  {'; '.join(wrong)}")
    print(f"{len(archives) - bad} of {len(archives)} archives are read right")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
