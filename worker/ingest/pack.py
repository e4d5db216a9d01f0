"""The second pass: the pack itself, sorted, so that equal datasets become equal packs whatever they came in.

`samples.arrow` is an uncompressed Arrow IPC file, ordered by split, class and digest. The `sha256` of a gray image is
that of its one channel, also where a raw pack stores it three times because others are coloured.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.spec import PackManifest, Pairability, Split
from worker.ingest.images import RAW_PIXELS, as_png
from worker.ingest.splits import Splits
from worker.ingest.staging import Columns, Staging

BATCH_ROWS = 4_096
BATCH_BYTES = 64 << 20
SAMPLES = "samples.arrow"
_SCHEMA = pa.schema(
    [
        ("image", pa.large_binary()),
        ("label", pa.int32()),
        ("split", pa.int8()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("path", pa.string()),
        ("sha256", pa.binary(32)),
    ]
)


def write_pack(
    staging: Staging, columns: Columns, splits: Splits, *, folder: Path, written: Callable[[int], None]
) -> PackManifest:
    """Write the images that have a split; `written` is told how many more, batch by batch."""
    rows = np.flatnonzero(splits >= 0)
    rows = rows[np.lexsort((columns.sha256[rows], columns.label[rows], splits[rows]))]
    manifest = _manifest(columns, splits, rows)
    path = folder / SAMPLES
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
        for batch, images, paths in _batches(staging, columns, rows, manifest):
            writer.write_batch(_record_batch(columns, splits, batch, images=images, paths=paths))
            written(len(batch))
    return manifest.model_copy(update={"bytes": path.stat().st_size})


def pairability(columns: Columns, splits: Splits) -> Pairability:
    training = np.bincount(columns.label[splits == Split.TRAIN], minlength=len(columns.classes))
    alone = np.flatnonzero(training < 2)
    share = float(training[training >= 2].sum() / max(training.sum(), 1))
    return Pairability(share=share, unpairable_classes=[columns.classes[index] for index in alone])


def _manifest(columns: Columns, splits: Splits, rows: NDArray[np.intp]) -> PackManifest:
    heights, widths = columns.height[rows], columns.width[rows]
    one_size = bool((heights == heights[0]).all() and (widths == widths[0]).all())
    channels = 1 if (columns.channels[rows] == 1).all() else 3
    mean, std = _statistics(columns, np.flatnonzero(splits == Split.TRAIN), channels)
    return PackManifest(
        classes=columns.classes,
        samples=len(rows),
        counts={split.name.lower(): _counts(columns, splits == split) for split in Split},
        encoding="raw" if one_size and heights[0] * widths[0] <= RAW_PIXELS else "encoded",
        channels=channels,
        image_size=(int(heights[0]), int(widths[0])) if one_size else None,
        median_size=(int(np.median(heights)), int(np.median(widths))),
        mean=mean,
        std=std,
        pairability=pairability(columns, splits),
        evaluation_split="test" if (splits == Split.TEST).any() else "val",
        digest=_digest(columns, splits, rows),
        bytes=0,
    )


def _counts(columns: Columns, mask: NDArray[np.bool_]) -> dict[str, int]:
    counts = np.bincount(columns.label[mask], minlength=len(columns.classes))
    return dict(zip(columns.classes, counts.tolist(), strict=True))


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
    """sha256 over the class names, then (sha256, label, split) of the samples in the pack's order."""
    records = np.empty(len(rows), dtype=[("sha256", "S32"), ("label", "<i4"), ("split", "<i1")])
    records["sha256"], records["label"], records["split"] = columns.sha256[rows], columns.label[rows], splits[rows]
    names = json.dumps(columns.classes, ensure_ascii=False).encode()
    return hashlib.sha256(names + records.tobytes()).hexdigest()


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


def _record_batch(
    columns: Columns, splits: Splits, rows: NDArray[np.intp], *, images: list[bytes], paths: list[str]
) -> pa.RecordBatch:
    digests = [digest.ljust(32, b"\x00") for digest in columns.sha256[rows].tolist()]
    return pa.record_batch(
        [
            pa.array(images, pa.large_binary()),
            pa.array(columns.label[rows]),
            pa.array(splits[rows]),
            pa.array(columns.height[rows]),
            pa.array(columns.width[rows]),
            pa.array(paths, pa.string()),
            pa.array(digests, pa.binary(32)),
        ],
        schema=_SCHEMA,
    )
