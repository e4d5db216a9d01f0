"""What the network said of each image, as rows for people: predictions.parquet."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contract import predictions
from contract.pack.manifest import Split
from trainer.data.pack import Pack
from trainer.machine import durable
from trainer.tasks.protocol import Found, Task


def of_split(task: Task, found: Found, pack: Pack, split: Split, *, size: tuple[int, int]) -> pa.Table:
    """A row an image, in the order of the pack. `size` is the height and width that images are read at."""
    rows = pack.rows(split)
    common = {
        "index": rows,
        "split": [split.name.lower()] * len(rows),
        "path": pack.table.column("path").take(rows).combine_chunks(),
    }
    return predictions.table(pack.manifest.task, common | task.image_rows(found, pack, rows, size=size))


def write(tables: Sequence[pa.Table], path: Path) -> None:
    """One file of the rows of all splits."""
    content = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables).unify_dictionaries(), content, compression="zstd")
    durable.write(path, content.getvalue().to_pybytes())
