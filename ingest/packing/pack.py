"""The second pass: the pack itself, sorted, so that equal datasets become equal packs whatever they came in.

`samples.arrow` is an uncompressed Arrow IPC file, ordered by split, class and digest. The `sha256` of a gray image is
that of its one channel, also where a raw pack stores it three times because others are coloured.

Packs with masks have besides `mask`, a PNG of class numbers, and `classes`, those it shows; packs with boxes `boxes`,
x1, y1, x2, y2 in pixels, and `box_labels`. Both have `annotation_sha256`, of the mask's pixels or of boxes and labels
as they lie in memory. Their `label` is the rarest class that the image shows, by which the splits were made; -1: none.
"""

from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.files import PACK_SAMPLES
from contract.pack.columns import SCHEMAS, digest
from contract.pack.manifest import PackManifest, Split
from contract.tasks import TaskName
from ingest.images.images import as_png
from ingest.images.miniatures import RAW_PIXELS
from ingest.marks import to_boxes
from ingest.packing import sizes
from ingest.packing.splits import Splits
from ingest.packing.staging import Columns, Staging

BATCH_ROWS = 4_096
BATCH_BYTES = 64 << 20


def write_pack(
    staging: Staging, columns: Columns, splits: Splits, *, task: TaskName, folder: Path, written: Callable[[int], None]
) -> PackManifest:
    """Write the images that have a split; `written` is told how many more, batch by batch."""
    rows = order(columns, splits)
    manifest = _manifest(columns, splits, rows, task)
    if task == "detection":
        manifest = manifest.model_copy(update={"box_sizes": sizes.boxes(staging, columns, splits)})
    path = folder / PACK_SAMPLES
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMAS[task]) as writer:
        for batch, images, paths in _batches(staging, columns, rows, manifest):
            arrays = [
                *_arrays(columns, splits, batch, images=images, paths=paths),
                *_marks(staging, columns, batch, task),
            ]
            writer.write_batch(pa.record_batch(arrays, schema=SCHEMAS[task]))
            written(len(batch))
    return manifest.model_copy(update={"bytes": path.stat().st_size})


def order(columns: Columns, splits: Splits) -> NDArray[np.intp]:
    """The images that have a split, as the pack has them: an image's place here is its index there."""
    rows = np.flatnonzero(splits >= 0)
    return rows[np.lexsort((columns.sha256[rows], columns.label[rows], splits[rows]))]


def amounts(columns: Columns, splits: Splits) -> dict[str, dict[str, int]]:
    """Split name -> class name -> images, pixels or boxes."""
    return {split.name.lower(): columns.presence.amounts(splits == split) for split in Split}


def shown_in(columns: Columns, splits: Splits) -> dict[str, dict[str, int]]:
    """Of masks and boxes: split name -> class name -> images that show it. Of labels it is what `amounts` gives."""
    if columns.marks_sha256 is None:
        return {}
    counts = {split.name.lower(): columns.presence.images_with(splits == split).tolist() for split in Split}
    return {name: dict(zip(columns.classes, images, strict=True)) for name, images in counts.items()}


def _manifest(columns: Columns, splits: Splits, rows: NDArray[np.intp], task: TaskName) -> PackManifest:
    heights, widths = columns.height[rows], columns.width[rows]
    one_size = bool((heights == heights[0]).all() and (widths == widths[0]).all())
    channels = 1 if (columns.channels[rows] == 1).all() else 3
    mean, std = _statistics(columns, np.flatnonzero(splits == Split.TRAIN), channels)
    images = {split.name.lower(): int((splits == split).sum()) for split in Split}
    return PackManifest(
        task=task,
        classes=columns.classes,
        samples=len(rows),
        counts=amounts(columns, splits),
        images=None if task == "classification" else images,
        encoding="raw" if one_size and heights[0] * widths[0] <= RAW_PIXELS else "encoded",
        channels=channels,
        image_size=(int(heights[0]), int(widths[0])) if one_size else None,
        median_size=(int(np.median(heights)), int(np.median(widths))),
        aspects=sizes.aspects(columns, rows),
        mean=mean,
        std=std,
        pairability=columns.presence.pairability(splits == Split.TRAIN),
        evaluation_split="test" if (splits == Split.TEST).any() else "val",
        digest=_digest(columns, splits, rows),
        bytes=0,
    )


def _statistics(columns: Columns, training: NDArray[np.intp], channels: int) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel in 0..1, from exact integer sums.

    A deviation below one gray level counts as one, for it is divided by.
    """
    pixels = sum((columns.height[training].astype(np.int64) * columns.width[training]).tolist())
    mean, std = [], []
    for channel in range(channels):
        total = int(columns.sums[training, channel].sum())
        square = int(columns.squares[training, channel].sum())
        mean.append(total / pixels / 255)
        std.append(max(sqrt(pixels * square - total * total) / pixels, 1.0) / 255)
    return mean, std


def _digest(columns: Columns, splits: Splits, rows: NDArray[np.intp]) -> str:
    return digest(
        columns.classes,
        sha256s=columns.sha256[rows],
        labels=_stored_labels(columns, rows),
        splits=splits[rows],
        marks_sha256s=None if columns.marks_sha256 is None else columns.marks_sha256[rows],
    )


def _stored_labels(columns: Columns, rows: NDArray[np.intp]) -> NDArray[np.int32]:
    label = columns.label[rows]
    return np.where(label == len(columns.classes), np.int32(-1), label)


def _batches(
    staging: Staging, columns: Columns, rows: NDArray[np.intp], manifest: PackManifest
) -> Iterator[tuple[NDArray[np.intp], list[bytes], list[str]]]:
    images: list[bytes] = []
    paths: list[str] = []
    start = held = 0
    for at, row in enumerate(rows.tolist()):
        stored, path = staging.read(row)
        images.append(_in_pack(stored, columns, row, manifest))
        paths.append(path)
        held += len(images[-1])
        if len(images) == BATCH_ROWS or held >= BATCH_BYTES:
            yield rows[start : at + 1], images, paths
            images, paths, start, held = [], [], at + 1, 0
    if images:
        yield rows[start:], images, paths


def _in_pack(stored: bytes, columns: Columns, row: int, manifest: PackManifest) -> bytes:
    """The staged bytes as the pack's encoding wants them. Small images are staged as pixels."""
    height, width, channels = int(columns.height[row]), int(columns.width[row]), int(columns.channels[row])
    if manifest.encoding == "raw":
        return stored if channels == manifest.channels else np.repeat(np.frombuffer(stored, np.uint8), 3).tobytes()
    return as_png(stored, height, width, channels) if height * width <= RAW_PIXELS else stored


def _arrays(
    columns: Columns, splits: Splits, rows: NDArray[np.intp], *, images: list[bytes], paths: list[str]
) -> list[pa.Array]:
    return [
        pa.array(images, pa.large_binary()),
        pa.array(_stored_labels(columns, rows)),
        pa.array(splits[rows]),
        pa.array(columns.height[rows]),
        pa.array(columns.width[rows]),
        pa.array(paths, pa.string()),
        _digests(columns.sha256[rows]),
    ]


def _marks(staging: Staging, columns: Columns, rows: NDArray[np.intp], task: TaskName) -> list[pa.Array]:
    """The columns that a task has beyond those of all."""
    if columns.marks_sha256 is None:
        return []
    stored = [staging.marks(row) for row in rows.tolist()]
    digests = _digests(columns.marks_sha256[rows])
    if task == "segmentation":
        shown = pa.array([columns.presence.of_image(row).tolist() for row in rows.tolist()], pa.list_(pa.int32()))
        return [pa.array(stored, pa.large_binary()), shown, digests]
    boxes, labels = zip(*map(to_boxes, stored), strict=True)
    offsets = pa.array(np.cumsum([0, *map(len, labels)]), pa.int32())
    corners = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(boxes).reshape(-1)), 4)
    numbers = pa.array(np.concatenate(labels))
    return [pa.ListArray.from_arrays(offsets, corners), pa.ListArray.from_arrays(offsets, numbers), digests]


def _digests(sha256: NDArray[np.bytes_]) -> pa.Array:
    return pa.array([digest.ljust(32, b"\x00") for digest in sha256.tolist()], pa.binary(32))
