"""What a network said of each image of a dataset version: the columns of predictions.parquet, a row an image.

Written by the trainer, read by the api. `label` and the other names are names of classes, so that a file says all.
"""

from typing import Any

import pyarrow as pa

from contract.tasks import TaskName

_NAME = pa.dictionary(pa.int32(), pa.string())
_CORNERS = pa.list_(pa.float32(), 4)
_COMMON: list[tuple[str, pa.DataType]] = [("index", pa.int64()), ("split", _NAME), ("path", pa.string())]
_JUDGED: list[tuple[str, pa.DataType]] = [("error", pa.bool_()), ("probability", pa.float64()), ("loss", pa.float64())]
_OWN: dict[TaskName, list[tuple[str, pa.DataType]]] = {
    "classification": [("label", _NAME), ("predicted", _NAME), ("label_probability", pa.float64())],
    "segmentation": [
        ("mean_iou", pa.float64()),
        ("pixel_accuracy", pa.float64()),
        ("boundary_f", pa.float64()),
        (
            "classes",
            pa.list_(
                pa.struct(
                    [
                        ("label", pa.string()),
                        ("iou", pa.float64()),
                        ("share", pa.float64()),
                        ("predicted_share", pa.float64()),
                    ]
                )
            ),
        ),
    ],
    "detection": [
        ("matched", pa.int64()),
        ("missed", pa.int64()),
        ("spurious", pa.int64()),
        (
            "found",
            pa.list_(
                pa.struct([("label", pa.string()), ("score", pa.float64()), ("box", _CORNERS), ("matched", pa.bool_())])
            ),
        ),
        ("truth", pa.list_(pa.struct([("label", pa.string()), ("box", _CORNERS), ("matched", pa.bool_())]))),
    ],
}
SCHEMAS: dict[TaskName, pa.Schema] = {task: pa.schema([*_COMMON, *_JUDGED, *own]) for task, own in _OWN.items()}


def table(task: TaskName, columns: dict[str, Any]) -> pa.Table:
    """Columns by their names, each with a value an image."""
    schema = SCHEMAS[task]
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
