"""Parquet with an image column, as Hugging Face writes it: struct<bytes, path> or binary, and a label column."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contract.pack.manifest import Split
from contract.specs.reading import AS_FOUND, ReadingSpec
from ingest import names
from ingest.archives.budget import Budget
from ingest.findings import Findings, Refused
from ingest.layouts.split_columns import SPLIT_COLUMNS
from ingest.layouts.tables import LABEL_COLUMNS
from ingest.limits import Limits
from ingest.samples import Sample

DAMAGE = (pa.ArrowException, OSError, ValueError, EOFError, OverflowError)
_BATCH_ROWS = 64
_BUFFER = 1 << 20
_IMAGE_COLUMNS = ("image", "img", "images", "picture", "photo", "jpg", "png", "bytes")
_FINE_LABELS = (*LABEL_COLUMNS, "fine_label")
_FIX = "Give a column `image` (struct of bytes and path, or binary) and a column `label`."


@dataclass(frozen=True)
class Frame:
    file: pq.ParquetFile
    image: str
    label: str
    split: str | None
    class_names: list[str] | None  # by number, where the file states them
    limits: Limits
    findings: Findings
    budget: Budget
    whole: Split | None = None  # where the file itself is one split's

    @property
    def total(self) -> int:
        return int(self.file.metadata.num_rows)

    def samples(self) -> Iterator[Sample]:
        columns = [self.image, self.label, *([self.split] if self.split else [])]
        row = 0
        try:
            for batch in self.file.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
                for values in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
                    sample = self._sample(row, values)
                    row += 1
                    if sample is not None:
                        yield sample
        except DAMAGE as error:
            raise damaged(error) from error

    def _sample(self, row: int, values: tuple[Any, ...]) -> Sample | None:
        path, content = content_of(values[0], row)
        label = self._class(values[1])
        if content is None:
            fix = "Embed the image's bytes in the file."
            self.findings.reject(path, "image_missing", "The row holds no image bytes.", fix=fix)
            return None
        self.budget.spend(len(content))
        if len(content) > self.limits.entry_bytes:
            self.findings.reject(path, "file_too_large", f"The image has more than {self.limits.entry_bytes:,} bytes.")
            return None
        if label is None:
            self.findings.leave_out(path, "label_missing", "The row names no class that the file knows.")
            return None
        split = names.split_named(str(values[2])) if self.split else self.whole
        if self.split and split is None and values[2] not in {None, ""}:
            message = f"{names.printable(str(values[2]))[:50]!r} is no split, so the row has none."
            self.findings.add("warning", "split_unknown", message, path=path, fix="Use train, val or test.")
        return Sample(path, label, split, content)

    def _class(self, value: Any) -> str | None:
        if self.class_names is not None and isinstance(value, int):
            return self.class_names[value] if 0 <= value < len(self.class_names) else None
        return names.class_name(value)


def open_parquet(
    path: Path, limits: Limits, findings: Findings, *, asked: ReadingSpec = AS_FOUND, shown: str | None = None
) -> Frame:
    """Find the columns. `shown`: what an archive calls the file; its name may say the split. Raises Refused."""
    try:
        file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
        schema = file.schema_arrow
    except DAMAGE as error:
        raise damaged(error) from error
    if file.metadata.num_rows > limits.entries:
        raise Refused("too_many_entries", f"The file has more than {limits.entries:,} rows.", "Split it.")
    features = features_of(schema)
    image = image_column(schema)
    label = _chosen_column(schema, asked) or _label_column(schema, features, image)
    if asked.labels_from == "auto":
        _tell_others(schema, features, label, findings)
    split = next((name for name in SPLIT_COLUMNS if name in schema.names and name not in {image, label}), None)
    budget = Budget(limits, path.stat().st_size)
    whole = split_of_shard(shown) if shown else None
    return Frame(file, image, label, split, class_names_of(features.get(label)), limits, findings, budget, whole)


def split_of_shard(shown: str) -> Split | None:
    """The split that a file's name in an archive says: `data/train-00000-of-00002.parquet`."""
    return names.split_of_folder(re.sub(r"-\d+-of-\d+$", "", names.stem(shown)))


def _chosen_column(schema: pa.Schema, asked: ReadingSpec) -> str | None:
    """The label column that the person names, as `labels_from`: COLUMN, or FILE:COLUMN."""
    if asked.labels_from == "auto":
        return None
    column = asked.labels_from.rpartition(":")[2]
    if column not in schema.names:
        shown = names.printable(", ".join(schema.names[:20]))
        message = f"`labels_from`: the file has no column {column!r}."
        raise Refused("option_without_effect", message, f"Its columns are {shown}.")
    return column


def _tell_others(schema: pa.Schema, features: dict[str, Any], label: str, findings: Findings) -> None:
    """Other columns that name classes."""
    for name in schema.names:
        if name != label and class_names_of(features.get(name)):
            message = f"The column {label!r} was read; {name!r} names classes too."
            findings.add("warning", "two_readings", message, fix=f"For the other, pass `--labels-from {name}`.")


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """Hugging Face's description of the columns, if there is one to be read."""
    try:
        stated = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = stated["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def class_names_of(feature: Any) -> list[str] | None:
    stated = feature.get("names") if isinstance(feature, dict) else None
    if not isinstance(stated, list) or not stated:
        return None
    return [names.class_name(name) or f"class {number}" for number, name in enumerate(stated)]


def image_column(schema: pa.Schema) -> str:
    candidates = [field.name for field in schema if _holds_images(field.type)]
    named = [name for name in _IMAGE_COLUMNS if name in candidates]
    if not candidates:
        raise Refused("no_image_column", f"No column of {schema.names[:20]} holds image bytes.", _FIX)
    return str((named or candidates)[0])


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _holds_images(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _label_column(schema: pa.Schema, features: dict[str, Any], image: str) -> str:
    named = [name for name in _FINE_LABELS if name in schema.names and name != image]
    stated = [name for name in schema.names if class_names_of(features.get(name)) and name != image]
    rest = [name for name in schema.names if name != image]
    if not (named or stated or len(rest) == 1):
        raise Refused("no_label_column", f"No column of {schema.names[:20]} names a class.", _FIX)
    return str((named or stated or rest)[0])


def content_of(value: Any, row: int) -> tuple[str, bytes | None]:
    """The name to show and the file; None where the row has none."""
    stands_for = f"row {row}"
    if isinstance(value, dict):
        path = value.get("path")
        content = value.get("bytes")
        shown = names.printable(names.tidy(path)) if isinstance(path, str) else ""
        return shown or stands_for, content if isinstance(content, bytes) else None
    return stands_for, value if isinstance(value, bytes) else None


def damaged(error: BaseException) -> Refused:
    message = f"The Parquet file is damaged: {names.printable(str(error))[:300]}."
    return Refused("parquet_damaged", message, "Write the file again.")
