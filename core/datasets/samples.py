"""Some images of a pack, for people to look at. Read from the pack's Arrow file where it lies."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from obstore.store import LocalStore
from PIL import Image

from contract.pack.columns import MARKS
from contract.pack.manifest import BACKGROUND, IGNORE, PackManifest, Split
from core.errors import NotFound, PackDamaged
from core.store import storage

_LISTED = ("label", "split", "height", "width", "path", "sha256")
OVERLAY_PX = 256
_PIXELS = "mask"  # of a listed sample as large as the image: shown apart
_SHADES = [channel for value in range(256) for channel in ((value * 67) % 256, (value * 131) % 256, (value * 29) % 256)]
_RANGE_BYTES = 2**18
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Pack:
    """A ready dataset version: what its manifest says and where its file lies."""

    manifest: PackManifest
    key: str


@dataclass(frozen=True)
class SampleFilter:
    split: Split | None = None
    label: int | None = None
    indices: frozenset[int] | None = None  # None: any
    paths: frozenset[str] | None = None  # of files in the archive; None: any


def listed(pack: Pack, *, after: int, limit: int, wanted: SampleFilter) -> list[dict[str, Any]]:
    """Up to `limit` samples with an index above `after`, without their pixels."""
    found: list[dict[str, Any]] = []
    with _opened(pack, (*_LISTED, *(name for name in MARKS[pack.manifest.task] if name != _PIXELS))) as reader:
        first = 0
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            if first + batch.num_rows > after + 1:
                found += _matching(batch, first, after=after, limit=limit - len(found), wanted=wanted)
            first += batch.num_rows
            if len(found) >= limit:
                break
    return found


def columns(pack: Pack, names: tuple[str, ...]) -> "pa.Table":
    """Narrow columns of all samples, in the order of the pack. Raises NotFound or PackDamaged."""
    with _opened(pack, names) as reader:
        batches = [reader.get_batch(number).select(names) for number in range(reader.num_record_batches)]
        return pa.Table.from_batches(batches, schema=reader.schema if not batches else None)


def image(pack: Pack, index: int) -> tuple[bytes, str]:
    """One image as a file and its media type. Raises NotFound beyond the last."""
    number, row = _locate(pack, index)
    with _opened(pack, ("image", "height", "width")) as reader:
        batch = reader.get_batch(number)
        return _file(pack.manifest, {name: batch[name][row].as_py() for name in batch.schema.names})


def mask(pack: Pack, index: int, *, overlay: bool = False) -> bytes:
    """The mask of an image of a segmentation pack, as a PNG whose palette gives each class a colour of its own.

    An overlay is at most OVERLAY_PX a side, and transparent where no object is.
    """
    number, row = _locate(pack, index)
    with _opened(pack, (_PIXELS,)) as reader:
        stored = reader.get_batch(number)[_PIXELS][row].as_py()
    with Image.open(io.BytesIO(stored), formats=["PNG"]) as values:
        shown = _reduced(values) if overlay else values
        shown.putpalette(_SHADES)
        out = io.BytesIO()
        options = {"transparency": _opacities(pack.manifest.classes)} if overlay else {}
        shown.save(out, "PNG", **options)
    return out.getvalue()


def _reduced(values: Image.Image) -> Image.Image:
    scale = min(1.0, OVERLAY_PX / max(values.size))
    size = (max(1, round(values.width * scale)), max(1, round(values.height * scale)))
    return values.resize(size, Image.Resampling.NEAREST)


def _opacities(classes: list[str]) -> bytes:
    clear = {IGNORE, *(number for number, name in enumerate(classes) if name.casefold() == BACKGROUND)}
    return bytes(0 if value in clear else 255 for value in range(256))


def shown(row: Mapping[str, Any]) -> list[int]:
    """The classes of a listed sample, in ascending order."""
    if "classes" in row:
        return list(row["classes"])
    return sorted(set(row["box_labels"])) if "box_labels" in row else [row["label"]]


def _locate(pack: Pack, index: int) -> tuple[int, int]:
    """Batch and row of a sample; reads one narrow column."""
    first = 0
    with _opened(pack, ("height",)) as reader:
        for number in range(reader.num_record_batches):
            rows = reader.get_batch(number).num_rows
            if index < first + rows:
                return number, index - first
            first += rows
    raise NotFound(f"There is no sample of this index. The dataset version has {first}, counted from 0.")


def _matching(
    batch: "pa.RecordBatch", first: int, *, after: int, limit: int, wanted: SampleFilter
) -> list[dict[str, Any]]:
    splits, shows, named = batch["split"].to_numpy(), _shows(batch, wanted.label), _named(batch, wanted.paths)
    fits = [
        row
        for row in range(max(0, after + 1 - first), batch.num_rows)
        if (shows is None or shows[row])
        and (named is None or named[row])
        and (wanted.split is None or splits[row] == wanted.split)
        and (wanted.indices is None or first + row in wanted.indices)
    ]
    return [
        {"index": first + row, **{name: batch[name][row].as_py() for name in batch.schema.names}}
        for row in fits[: max(0, limit)]
    ]


def _named(batch: "pa.RecordBatch", paths: frozenset[str] | None) -> "NDArray[np.bool_] | None":
    """For each row whether its file is one of the paths; None where any is."""
    if paths is None:
        return None
    found = pc.is_in(batch["path"], value_set=pa.array(sorted(paths), batch["path"].type))
    return np.asarray(found.to_numpy(zero_copy_only=False))


def _shows(batch: "pa.RecordBatch", label: int | None) -> "NDArray[np.bool_] | None":
    """For each row whether it shows the class; None where any does."""
    if label is None:
        return None
    lists = next((batch[name] for name in ("classes", "box_labels") if name in batch.schema.names), None)
    if lists is None:
        return np.asarray(batch["label"].to_numpy() == label)
    shows = np.zeros(batch.num_rows, bool)
    rows = np.repeat(np.arange(batch.num_rows), lists.value_lengths().to_numpy())
    shows[rows[lists.flatten().to_numpy() == label]] = True
    return shows


def _file(manifest: PackManifest, row: Mapping[str, Any]) -> tuple[bytes, str]:
    if manifest.encoding == "encoded":
        with Image.open(io.BytesIO(row["image"])) as stored:
            return row["image"], _FORMATS[stored.format or ""]
    mode = "L" if manifest.channels == 1 else "RGB"
    out = io.BytesIO()
    Image.frombytes(mode, (row["width"], row["height"]), row["image"]).save(out, "PNG")
    return out.getvalue(), "image/png"


@contextmanager
def _opened(pack: Pack, columns: tuple[str, ...]) -> Iterator["pa.RecordBatchFileReader"]:
    """Only these columns are read: from the mapped file, or by ranges from the bucket. Raises PackDamaged."""
    with _source(pack.key) as source:
        try:
            names = pa.ipc.open_file(source).schema.names
            options = pa.ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
            with pa.ipc.open_file(source, options=options) as reader:
                yield reader
        except (pa.ArrowInvalid, OSError) as error:
            raise PackDamaged from error


@contextmanager
def _source(key: str) -> Iterator[Any]:
    store = storage.store()
    size = storage.size(key)
    if size is None:
        raise NotFound(f"No object {key}.")
    if isinstance(store, LocalStore):
        with pa.memory_map(str(Path(str(store.prefix)) / key)) as mapped:
            yield mapped
    else:
        with pa.PythonFile(io.BufferedReader(_Ranges(key, size), _RANGE_BYTES), mode="r") as ranged:
            yield ranged


class _Ranges(io.RawIOBase):
    """An object as a file: each read is one request for a range."""

    def __init__(self, key: str, size: int) -> None:
        super().__init__()
        self._key = key
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        with storage.store_errors(self._key):
            found = obstore.get_range(storage.store(), self._key, start=self._position, length=length)
        memoryview(buffer)[:length] = memoryview(found)
        self._position += length
        return length
