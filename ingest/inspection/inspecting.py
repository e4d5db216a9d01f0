"""One inspection: what was found is counted and listed, and what spoils a result becomes a finding."""

import base64
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import Split
from contract.results.inspected import (
    MAX_TWINS,
    AlikeClasses,
    Histogram,
    Inspection,
    LeftOut,
    NearDuplicates,
    TwinKind,
    Twins,
)
from contract.tasks import TaskName
from ingest.findings import Findings, Missing
from ingest.images.miniatures import TILE_BYTES
from ingest.inspection import alike, twins
from ingest.inspection.sizes import Sizes
from ingest.marks import to_boxes
from ingest.packing.pack import order
from ingest.packing.splits import Splits
from ingest.packing.staging import Columns, Staging

Chosen = NDArray[np.bool_]


def inspect(columns: Columns, splits: Splits, staging: Staging, *, task: TaskName, findings: Findings) -> Inspection:
    """Look at the images of the pack once more; adds findings for leaks and contradictions."""
    rows = order(columns, splits)

    def tiles(places: NDArray[np.int64]) -> NDArray[np.uint8]:
        found = b"".join(staging.tile(row) for row in rows[places].tolist())
        return np.frombuffer(found, np.uint8).reshape(-1, TILE_BYTES)

    split, label = splits[rows], columns.label[rows]
    pairs = twins.find(len(rows), tiles)
    near = _near(pairs, split, label if task == "classification" else None)
    _tell(near, split, lambda index: staging.path(int(rows[index])), findings)
    alike_classes = None
    if task == "classification":
        chosen = alike.sampled(np.where(split == Split.TRAIN, label, -1), len(columns.classes))
        alike_classes = alike.find(tiles(chosen), label[chosen], columns.classes)
        _tell_alike(alike_classes, findings)
    return Inspection(
        near_duplicates=near,
        alike_classes=alike_classes,
        image_sizes=_image_sizes(columns, rows),
        box_sizes=_box_sizes(staging, rows) if task == "detection" else None,
        left_out=[_left_out(missing) for missing in findings.missing],
    )


def _near(pairs: twins.Pairs, split: NDArray[np.int8], label: NDArray[np.int32] | None) -> NearDuplicates:
    first, second = pairs.first, pairs.second  # by the pack's order the first has the lower split
    leak = (split[first] == Split.TRAIN) & (split[second] != Split.TRAIN)
    contradicts = np.zeros(len(first), bool) if label is None else label[first] != label[second]
    kinds: dict[TwinKind, Chosen] = {"leak": leak, "contradiction": contradicts, "repeat": ~(leak | contradicts)}
    listed = [twin for kind, chosen in kinds.items() for twin in _listed(kind, pairs, chosen)]
    leaked = {
        each.name.lower(): len(np.unique(second[leak & (split[second] == each)])) for each in (Split.VAL, Split.TEST)
    }
    counts = {kind: int(chosen.sum()) for kind, chosen in kinds.items()}
    return NearDuplicates(compared=len(split), pairs=counts, leaked=leaked, listed=listed)


def _listed(kind: TwinKind, pairs: twins.Pairs, chosen: Chosen) -> list[Twins]:
    places = np.flatnonzero(chosen)
    places = places[np.argsort(-pairs.similarity[places], kind="stable")][:MAX_TWINS]
    found = []
    for at in places.tolist():
        lower, higher = int(pairs.first[at]), int(pairs.second[at])
        first, second = (higher, lower) if kind == "leak" else (lower, higher)
        similarity = round(float(pairs.similarity[at]), 4)
        found.append(Twins(kind=kind, first=first, second=second, similarity=similarity))
    return found


def _tell(near: NearDuplicates, split: NDArray[np.int8], path_of: Callable[[int], str], findings: Findings) -> None:
    for name, count in near.leaked.items():
        if not count:
            continue
        held_out = Split[name.upper()]
        total = int((split == held_out).sum())
        message = (
            f"{count} of {total} pictures in {name} {'looks' if count == 1 else 'look'} nearly the same as a training "
            f"picture: figures on {name} will be better than on new pictures."
        )
        fix = (
            "Look at them with `patchswap datasets look`. Keep all pictures of one object, scene or video in one "
            "split: sort them into folders `train`, `val` and `test`, and push again."
        )
        example = next((twin for twin in near.listed if twin.kind == "leak" and split[twin.first] == held_out), None)
        path = path_of(example.first) if example else None
        findings.add("warning", "near_duplicates_across_splits", message, path=path, fix=fix)
    if count := near.pairs["contradiction"]:
        twin = next(twin for twin in near.listed if twin.kind == "contradiction")
        pairs = "1 pair of nearly equal pictures has" if count == 1 else f"{count} pairs of nearly equal pictures have"
        message = f"{pairs} different classes, as with {path_of(twin.first)!r}."
        fix = "Look at them with `patchswap datasets look`. Correct one label of each pair, or remove the pair."
        findings.add("warning", "near_duplicates_contradict", message, path=path_of(twin.second), fix=fix)
    if count := near.pairs["repeat"]:
        pairs = "1 pair of pictures looks" if count == 1 else f"{count} pairs of pictures look"
        findings.add("info", "near_duplicates", f"{pairs} nearly the same, with equal split and class; all were kept.")


def _tell_alike(found: Sequence[AlikeClasses], findings: Findings) -> None:
    if found:
        shown = ", ".join(f"{pair.first!r} and {pair.second!r} ({pair.mixed:.0%} mixed)" for pair in found[:3])
        message = f"Classes look alike at 16 x 16 px: {shown}. 50% would be no visible difference."
        findings.add("info", "classes_alike", message)


def _image_sizes(columns: Columns, rows: NDArray[np.intp]) -> Histogram:
    sizes = Sizes()
    sizes.add(np.minimum(columns.height[rows], columns.width[rows]))
    found = sizes.histogram()
    if found is None:
        raise RuntimeError("a pack holds at least one image")
    return found


def _box_sizes(staging: Staging, rows: NDArray[np.intp]) -> Histogram | None:
    sizes = Sizes()
    for row in rows.tolist():
        boxes, _ = to_boxes(staging.marks(row))
        sizes.add(np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)))
    return sizes.histogram()


def _left_out(missing: Missing) -> LeftOut:
    shown = f"data:image/jpeg;base64,{base64.b64encode(missing.thumbnail).decode()}" if missing.thumbnail else None
    return LeftOut(path=missing.path, code=missing.code, thumbnail=shown)
