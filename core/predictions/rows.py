"""Rows of a predictions.parquet, chosen and put in order."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contract.tasks import TaskName
from core.errors import Invalid
from core.store import storage

Sort = Literal["worst", "best", "sure", "unsure", "index"]


@dataclass(frozen=True)
class Wanted:
    """None: any."""

    split: str | None = None
    error: bool | None = None
    shows: str | None = None  # a class that is there
    predicted: str | None = None  # a class that the network names
    sort: Sort = "worst"


def read(key: str) -> pa.Table:
    """All rows. Raises NotFound or StoreUnavailable."""
    return pq.read_table(pa.BufferReader(storage.get_bytes(key)))


def page(rows: pa.Table, task: TaskName, wanted: Wanted, *, after: int | None, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` rows behind the one whose index is `after`. Raises Invalid where no such row is among them."""
    found = np.flatnonzero(_mask(rows, task, wanted))
    order = found[_order(rows.take(found), task, wanted.sort)]
    first = 0 if after is None else _place(rows, order, after) + 1
    page: list[dict[str, Any]] = rows.take(order[first : first + limit]).to_pylist()
    return page


def _place(rows: pa.Table, order: NDArray[np.int64], after: int) -> int:
    at = np.flatnonzero(rows["index"].to_numpy()[order] == after)
    if not len(at):
        raise Invalid(
            f"No row of this list has the index {after}. Send `last_id` of the page before.", pointer="#query/after"
        )
    return int(at[0])


def _mask(rows: pa.Table, task: TaskName, wanted: Wanted) -> NDArray[np.bool_]:
    mask = np.ones(len(rows), bool)
    if wanted.split is not None:
        mask &= _equal(rows["split"], wanted.split)
    if wanted.error is not None:
        mask &= _equal(rows["error"], wanted.error)
    if wanted.shows is not None:
        mask &= _shows(rows, task, wanted.shows)
    if wanted.predicted is not None:
        mask &= _predicts(rows, task, wanted.predicted)
    return mask


def _equal(column: pa.ChunkedArray, value: Any) -> NDArray[np.bool_]:
    column = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return np.asarray(pc.fill_null(pc.equal(column, pa.scalar(value)), fill_value=False))


def _shows(rows: pa.Table, task: TaskName, name: str) -> NDArray[np.bool_]:
    match task:
        case "classification":
            return _equal(rows["label"], name)
        case "segmentation":
            return _any_of(rows["classes"], name, "share")
        case "detection":
            return _any_of(rows["truth"], name)


def _predicts(rows: pa.Table, task: TaskName, name: str) -> NDArray[np.bool_]:
    match task:
        case "classification":
            return _equal(rows["predicted"], name)
        case "segmentation":
            return _any_of(rows["classes"], name, "predicted_share")
        case "detection":
            return _any_of(rows["found"], name)


def _any_of(column: pa.ChunkedArray, name: str, above_zero: str | None = None) -> NDArray[np.bool_]:
    """For each row whether its list holds an item of this class, whose figure is above zero where one is named."""
    lists = column.combine_chunks()
    items = lists.flatten()
    holds = _equal(pa.chunked_array([items.field("label")]), name)
    if above_zero is not None:
        holds &= np.asarray(pc.fill_null(pc.greater(items.field(above_zero), 0), fill_value=False))
    found = np.zeros(len(lists), bool)
    found[np.asarray(pc.list_parent_indices(lists))[holds]] = True
    return found


def _order(rows: pa.Table, task: TaskName, sort: Sort) -> NDArray[np.int64]:
    """Rows with nothing to be sorted by come last, equal ones in the order of the pack."""
    index = rows["index"].to_numpy()
    match sort:
        case "index":
            return np.argsort(index)
        case "worst" | "best":
            key = _badness(rows, task)
        case "sure" | "unsure":
            key = _floats(rows["probability"])
    key = -key if sort in ("worst", "sure") else key
    return np.lexsort((index, np.where(np.isnan(key), np.inf, key)))


def _badness(rows: pa.Table, task: TaskName) -> NDArray[np.float64]:
    if task == "detection":
        return _floats(pc.add(rows["missed"], rows["spurious"]))
    return _floats(rows["loss"])


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan))
