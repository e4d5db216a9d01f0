"""The columns of samples.arrow and the digest of a pack: written by ingest, checked by the trainer, shown by the api.

A row an image, sorted by split, class and sha256. `label` is the image's class; of masks and boxes it is the rarest
class that the image shows, -1 where it shows none.
"""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.tasks import TaskName

MARKS: dict[TaskName, tuple[str, ...]] = {
    "classification": (),
    "segmentation": ("mask", "classes"),
    "detection": ("boxes", "box_labels"),
}
MARKS_SHA256 = "annotation_sha256"
_TYPES: dict[str, pa.DataType] = {
    "mask": pa.large_binary(),
    "classes": pa.list_(pa.int32()),
    "boxes": pa.list_(pa.list_(pa.float32(), 4)),
    "box_labels": pa.list_(pa.int32()),
}
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("image", pa.large_binary()),
    ("label", pa.int32()),
    ("split", pa.int8()),
    ("height", pa.int32()),
    ("width", pa.int32()),
    ("path", pa.string()),
    ("sha256", pa.binary(32)),
]


def _schema(marks: Sequence[str]) -> pa.Schema:
    marked = [(name, _TYPES[name]) for name in marks] + [(MARKS_SHA256, pa.binary(32))]
    return pa.schema([*_COLUMNS, *(marked if marks else [])])


SCHEMAS: dict[TaskName, pa.Schema] = {task: _schema(marks) for task, marks in MARKS.items()}


def digest(
    classes: Sequence[str],
    *,
    sha256s: NDArray[np.void] | NDArray[np.bytes_],
    labels: NDArray[np.integer],
    splits: NDArray[np.integer],
    marks_sha256s: NDArray[np.void] | NDArray[np.bytes_] | None,
) -> str:
    """sha256 over the class names, then (sha256, label, split) of the rows in their order, then those of their marks.

    The arrays of sha256 hold 32 bytes an item.
    """
    records = np.empty(len(labels), dtype=[("sha256", "V32"), ("label", "<i4"), ("split", "<i1")])
    records["sha256"] = sha256s.view("V32")
    records["label"], records["split"] = labels, splits
    names = json.dumps(list(classes), ensure_ascii=False).encode()
    marks = b"" if marks_sha256s is None else marks_sha256s.tobytes()
    return hashlib.sha256(names + records.tobytes() + marks).hexdigest()
