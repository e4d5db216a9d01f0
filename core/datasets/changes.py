"""What differs between two versions of a dataset: images by the digest of their pixels, with label and split."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.pack.columns import MARKS, MARKS_SHA256
from contract.pack.manifest import Split
from core.datasets import samples
from core.datasets.samples import Pack

Change = Literal["added", "removed", "relabelled", "moved"]
Keys = NDArray[np.bytes_]
Numbers = NDArray[np.int64]
_COLUMNS = ("sha256", "label", "split")


@dataclass(frozen=True)
class Counts:
    """In images. One that is relabelled may have another split, too; a moved one has only that."""

    added: int
    removed: int
    relabelled: int
    moved: int
    unchanged: int

    def as_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class _Side:
    """Samples of one version, sorted by image, label and split; `rank` counts those of one image."""

    rows: Numbers  # places in the pack
    image: Numbers
    label: Numbers
    split: Numbers
    rank: Numbers


@dataclass(frozen=True)
class Difference:
    """Places in the packs: of images that are gone, new, or in both; the latter side by side."""

    removed: Numbers
    added: Numbers
    before: Numbers
    after: Numbers
    relabelled: NDArray[np.bool_]
    moved: NDArray[np.bool_]

    @property
    def counts(self) -> Counts:
        changed = int(self.relabelled.sum()), int(self.moved.sum())
        return Counts(len(self.added), len(self.removed), *changed, len(self.before) - sum(changed))


def between(before: Pack, after: Pack) -> Difference:
    """Copies of one image are counted. Raises NotFound or PackDamaged."""
    tables = [samples.columns(pack, _columns(pack)) for pack in (before, after)]
    images = _numbered([_bytes(table, "sha256") for table in tables])
    labels = _numbered([_labels(pack, table) for pack, table in zip((before, after), tables, strict=True)])
    old, new = (
        _side(image, label, table["split"].to_numpy().astype(np.int64))
        for image, label, table in zip(images, labels, tables, strict=True)
    )
    kinds = max((int(one.image.max(initial=-1)) for one in (old, new)), default=-1) + 1
    kept = np.minimum(np.bincount(old.image, minlength=kinds), np.bincount(new.image, minlength=kinds))
    stays_old, stays_new = old.rank < kept[old.image], new.rank < kept[new.image]
    relabelled = old.label[stays_old] != new.label[stays_new]
    moved = ~relabelled & (old.split[stays_old] != new.split[stays_new])
    return Difference(
        removed=old.rows[~stays_old],
        added=new.rows[~stays_new],
        before=old.rows[stays_old],
        after=new.rows[stays_new],
        relabelled=relabelled,
        moved=moved,
    )


def listed(found: Difference, before: Pack, after: Pack, *, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` of the images that differ: removed ones first, then added, relabelled and moved ones."""
    places = list(islice(_places(found), limit))
    if not places:
        return []
    tables = [samples.columns(pack, ("path", *_COLUMNS)) for pack in (before, after)]
    items = []
    for change, old, new in places:
        was = None if old is None else _described(before, tables[0], old)
        is_now = None if new is None else _described(after, tables[1], new)
        digest = tables[0]["sha256"][old] if old is not None else tables[1]["sha256"][new]
        items.append({"change": change, "sha256": digest.as_py().hex(), "before": was, "after": is_now})
    return items


def _places(found: Difference) -> Iterator[tuple[Change, int | None, int | None]]:
    for row in np.sort(found.removed):
        yield "removed", int(row), None
    for row in np.sort(found.added):
        yield "added", None, int(row)
    both: tuple[tuple[Change, NDArray[np.bool_]], ...] = (("relabelled", found.relabelled), ("moved", found.moved))
    for change, which in both:
        for old, new in zip(found.before[which], found.after[which], strict=True):
            yield change, int(old), int(new)


def _described(pack: Pack, table: "pa.Table", row: int) -> dict[str, Any]:
    label = table["label"][row].as_py()
    return {
        "path": table["path"][row].as_py(),
        "class_name": pack.manifest.classes[label] if label >= 0 else None,
        "split": Split(table["split"][row].as_py()).name.lower(),
    }


def _columns(pack: Pack) -> tuple[str, ...]:
    return (*_COLUMNS, MARKS_SHA256) if MARKS[pack.manifest.task] else _COLUMNS


def _labels(pack: Pack, table: "pa.Table") -> Keys:
    """What an image is labelled, by the names of the classes; of masks and boxes the digest of those."""
    if MARKS_SHA256 in table.column_names:
        return _bytes(table, MARKS_SHA256)
    names = np.array([name.encode() for name in pack.manifest.classes] or [b""])
    return np.asarray(names[table["label"].to_numpy()])


def _bytes(table: "pa.Table", column: str) -> Keys:
    values = pa.concat_arrays(table[column].chunks)
    return np.frombuffer(values.buffers()[1], dtype="S32", count=len(values) + values.offset)[values.offset :]


def _numbered(both: list[Keys]) -> list[Numbers]:
    """The same number for the same value on either side."""
    _, numbers = np.unique(np.concatenate(both), return_inverse=True)
    return [numbers[: len(both[0])], numbers[len(both[0]) :]]


def _side(image: Numbers, label: Numbers, split: Numbers) -> _Side:
    rows = np.lexsort((split, label, image))
    image = image[rows]
    first = np.searchsorted(image, image, side="left")
    return _Side(rows, image, label[rows], split[rows], np.arange(len(rows)) - first)
