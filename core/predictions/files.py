"""Rows of a predictions.parquet as text, a piece at a time."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

ROWS_A_PIECE = 1_000


def csv_lines(rows: pa.Table) -> Iterator[str]:
    """Lists are JSON in a cell; what is not known is empty."""
    yield _csv([rows.schema.names])
    for piece in _pieces(rows):
        yield _csv([_cell(value) for value in row.values()] for row in piece)


def json_lines(rows: pa.Table) -> Iterator[str]:
    for piece in _pieces(rows):
        yield "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in piece)


def _pieces(rows: pa.Table) -> Iterator[list[dict[str, Any]]]:
    for batch in rows.to_batches(max_chunksize=ROWS_A_PIECE):
        yield batch.to_pylist()


def _csv(lines: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
