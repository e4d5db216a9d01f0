"""Parquet with images and `objects`, as Hugging Face keeps sets for detection: boxes and classes in one column.

`bbox` is x, y, width, height, unless it can only be two corners. Classes are ClassLabels, whose names the file states,
or text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contract.pack.manifest import Split
from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.annotations.boxes import Faulty, StatedBoxes
from ingest.archives.budget import Budget
from ingest.archives.members import Member
from ingest.archives.zip_archive import ZipArchive
from ingest.findings import Findings, Refused
from ingest.layouts import parquet
from ingest.layouts.annotated import values
from ingest.layouts.annotated.hugging_face import LABELS, Naming, corners_rule, draw_objects
from ingest.layouts.annotated.naming import DROPPED, Numbers, numbered
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.layouts.parquet_shards import copied, shards_of
from ingest.layouts.split_columns import SPLIT_COLUMNS
from ingest.limits import Limits
from ingest.marks import Annotation
from ingest.notes import Unusable
from ingest.samples import Sample

HONOURED = frozenset({"map", "drop"})
_BATCH_ROWS = 64
_OBJECTS = ("objects", "annotations", "boxes", "labels")
_FIX = "Give a column `image` and a column `objects` with bbox and category."


@dataclass(frozen=True)
class BoxedFrame:
    file: pq.ParquetFile
    image: str
    objects: str
    split: str | None
    whole: Split | None  # of the whole file
    naming: Naming
    corners: bool
    numbers: Numbers
    limits: Limits
    findings: Findings
    budget: Budget

    @property
    def total(self) -> int:
        return int(self.file.metadata.num_rows)

    def samples(self) -> Iterator[Sample]:
        columns = [self.image, self.objects, *_sides(self.file), *([self.split] if self.split else [])]
        for number, row in enumerate(_rows(self.file, columns)):
            path, content = parquet.content_of(row[self.image], number)
            if content is None:
                fix = "Embed the image's bytes in the file."
                self.findings.reject(path, "image_missing", "The row holds no image bytes.", fix=fix)
                continue
            self.budget.spend(len(content))
            split = names.split_named(str(row[self.split])) if self.split else self.whole
            yield Sample(path, "", split, content, self._annotation(row))

    def _annotation(self, row: dict[str, Any]) -> Annotation:
        page = _page(row, self.objects, self.naming, Tally(), corners=self.corners)
        if page.fault is not None:
            return Faulty(page.fault)
        found = np.array([self.numbers[label] for label in page.labels], np.int32)
        boxes = np.array(page.boxes, np.float64).reshape(-1, 4)
        return StatedBoxes(boxes[found != DROPPED], found[found != DROPPED], page.size)


@dataclass(frozen=True)
class BoxedFrames:
    """One dataset, of a file or of several."""

    frames: list[BoxedFrame]
    classes: list[str]

    @property
    def total(self) -> int:
        return sum(frame.total for frame in self.frames)

    def samples(self) -> Iterator[Sample]:
        for frame in self.frames:
            yield from frame.samples()

    def close(self) -> None:
        for frame in self.frames:
            frame.file.close()


@dataclass(frozen=True)
class _Looked:
    """A file, opened, and what its rows say besides images."""

    file: pq.ParquetFile
    image: str
    objects: str
    split: str | None
    whole: Split | None
    titles: list[str] | None
    rows: list[dict[str, Any]]
    bytes: int


def open_boxes(path: Path, limits: Limits, findings: Findings, asked: ReadingSpec) -> BoxedFrames:
    """Look at the objects of all rows, not at their images. Raises Refused."""
    return _together([_looked(path, limits)], limits, findings, asked)


def open_boxed_shards(
    archive: ZipArchive, members: list[Member], *, scratch: Path, asked: ReadingSpec, limits: Limits, findings: Findings
) -> BoxedFrames:
    """The Parquet files of a zip as one dataset; their names may say the split. Raises Refused."""
    files = []
    for member in shards_of(members, findings):
        with copied(archive, member, scratch) as path:
            files.append(_looked(path, limits, member.path))
    return _together(files, limits, findings, asked)


def _looked(path: Path, limits: Limits, shown: str | None = None) -> _Looked:
    try:
        file = pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
        schema = file.schema_arrow
    except parquet.DAMAGE as error:
        raise parquet.damaged(error) from error
    if file.metadata.num_rows > limits.entries:
        raise Refused("too_many_entries", f"The file has more than {limits.entries:,} rows.", "Split it.")
    image, objects = parquet.image_column(schema), _objects_column(schema)
    titles = _titles(parquet.features_of(schema).get(objects))
    rows = [row | {_OBJECTS[0]: row[objects]} for row in _rows(file, [objects, *_sides(file)])]
    split = next((name for name in SPLIT_COLUMNS if name in schema.names), None)
    whole = parquet.split_of_shard(shown) if shown else None
    return _Looked(file, image, objects, split, whole, titles, rows, path.stat().st_size)


def _together(files: list[_Looked], limits: Limits, findings: Findings, asked: ReadingSpec) -> BoxedFrames:
    """Classes and the kind of corners are those of all files together."""
    titles = files[0].titles
    if any(file.titles != titles for file in files):
        message = "The Parquet files name different classes for the same numbers."
        raise Refused("classes_contradict", message, "Write all files with one ClassLabel.")
    naming: Naming = (lambda number: titles[number] if 0 <= number < len(titles) else None) if titles else _unnamed
    corners = corners_rule([row for file in files for row in file.rows], findings)
    pages = (_page(row, _OBJECTS[0], naming, Tally(), corners=corners) for file in files for row in file.rows)
    labels = (label for page in pages for label in page.labels)
    numbers = numbered(labels, titles, asked, task="detection", keeps_unused=titles is not None, findings=findings)
    if titles is None and any(name.startswith("class_") for name in numbers.classes):
        message = "The categories are numbers without names, so the classes are called class_0, class_1 and so on."
        findings.add("warning", "classes_unnamed", message, fix="Save the column as ClassLabel, or as text.")
    frames = [
        BoxedFrame(
            file.file, file.image, file.objects, file.split, file.whole, naming, corners, numbers, limits, findings,
            Budget(limits, file.bytes),
        )
        for file in files
    ]  # fmt: skip
    return BoxedFrames(frames, numbers.classes)


def _page(row: dict[str, Any], objects: str, naming: Naming, tally: Tally, *, corners: bool) -> Page:
    page = Page("", "", size=values.size(row.get("height"), row.get("width")))
    drawing = Drawing("detection", tally)
    try:
        draw_objects(row[objects], drawing, naming, corners=corners)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _rows(file: pq.ParquetFile, columns: list[str]) -> Iterator[dict[str, Any]]:
    try:
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
            yield from batch.to_pylist()
    except parquet.DAMAGE as error:
        raise parquet.damaged(error) from error


def _sides(file: pq.ParquetFile) -> list[str]:
    found = file.schema_arrow.names
    return [side for side in ("height", "width") if side in found] if {"height", "width"} <= set(found) else []


def _objects_column(schema: pa.Schema) -> str:
    known = [name for name in _OBJECTS if name in schema.names and _holds_objects(schema.field(name).type)]
    if not known:
        raise Refused("no_annotations", f"No column of {schema.names[:20]} holds boxes with classes.", _FIX)
    return known[0]


def _holds_objects(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return bool(pa.types.is_struct(inner)) and any(field.name in {"bbox", "bboxes", "boxes", "box"} for field in inner)


def _titles(feature: Any) -> list[str] | None:
    """The names of a ClassLabel within the feature of the objects, whichever way it is nested."""
    inner = feature
    for _ in range(4):
        if isinstance(inner, list) and inner:
            inner = inner[0]
        elif isinstance(inner, dict) and not set(LABELS) & inner.keys():
            inner = inner.get("feature")
    if not isinstance(inner, dict):
        return None
    found = next((inner[key] for key in LABELS if key in inner), None)
    while isinstance(found, dict) and "names" not in found and isinstance(found.get("feature"), dict):
        found = found["feature"]
    return parquet.class_names_of(found)


def _unnamed(number: int) -> str | None:
    return f"class_{number}"
