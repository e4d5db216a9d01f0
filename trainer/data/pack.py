"""A pack opened for random access: the manifest, the labels and splits in memory, the image bytes memory-mapped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import ValidationError

from contract.files import PACK_MANIFEST, PACK_SAMPLES
from contract.pack.columns import MARKS_SHA256, SCHEMAS, digest
from contract.pack.manifest import BACKGROUND, IGNORE, PackManifest, Split
from contract.specs.tiles import TilesSpec
from portable import preprocess
from trainer.errors import ended

_NO_SPLIT = np.int8(-1)
NOBODY = -1  # the number of a class that a network does not know
Crop = tuple[int, int, int, int]  # left, top, right, bottom in pixels of an image


@dataclass(frozen=True)
class Pack:
    manifest: PackManifest
    labels: NDArray[np.int64]  # (samples,); of masks and boxes: the rarest class shown, or -1
    splits: NDArray[np.int8]
    table: pa.Table  # memory-mapped: image bytes are read when they are asked for
    chunk_starts: NDArray[np.int64]  # the first row of each record batch
    fit: str = preprocess.STRETCH  # how an image is laid into the size that it is read at
    tiles: TilesSpec | None = None  # how images are cut, where the network sees tiles of them
    names: tuple[str, ...] = ()  # of its own classes, where `named` numbered them otherwise
    numbers: NDArray[np.int64] | None = None  # of each of those among the manifest's classes, or NOBODY

    def rows(self, split: Split) -> NDArray[np.int64]:
        """The row numbers of a split, in the order of the pack."""
        return np.flatnonzero(self.splits == split)

    def without_test(self) -> "Pack":
        """This pack with its test split out of reach: its rows are of no split, and figures are of validation."""
        counts = {name: classes for name, classes in self.manifest.counts.items() if name != "test"}
        hidden: dict[str, object] = {"counts": counts, "evaluation_split": "val"}
        if self.manifest.images is not None:
            hidden["images"] = {**self.manifest.images, "test": 0}
        manifest = self.manifest.model_copy(update=hidden)
        return replace(self, manifest=manifest, splits=np.where(self.splits == Split.TEST, _NO_SPLIT, self.splits))

    def named(self, classes: list[str]) -> "Pack":
        """This pack with its classes numbered as another's, by their names; a class that is not there is NOBODY."""
        if classes == self.manifest.classes:
            return self
        places = {name: number for number, name in enumerate(classes)}
        numbers = np.array([places.get(name, NOBODY) for name in self.manifest.classes], np.int64)
        return replace(
            self,
            manifest=self.manifest.model_copy(update={"classes": classes}),
            labels=np.where(self.labels < 0, self.labels, numbers[self.labels]),
            names=tuple(self.manifest.classes),
            numbers=numbers,
        )

    def label_names(self, rows: NDArray[np.int64]) -> list[str]:
        """The classes of images of a classification pack, by their own names."""
        labels = self.table.column("label").to_numpy()[rows]
        return [(self.names or self.manifest.classes)[label] for label in labels.tolist()]

    def fitted(self, fit: str, tiles: TilesSpec | None = None) -> "Pack":
        """This pack with its images, masks and boxes laid otherwise into the size that they are read at."""
        return replace(self, fit=fit, tiles=tiles)

    def size(self, row: int) -> tuple[int, int]:
        """Height and width of an image."""
        return self.table.column("height")[row].as_py(), self.table.column("width")[row].as_py()

    def content_size(self, row: int, *, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image takes of (height, width); the rest is padding."""
        return preprocess.content_size(self.size(row), height=height, width=width, fit=self.fit)

    def read(self, row: int, *, height: int, width: int) -> NDArray[np.uint8]:
        """One image as (height, width, channels) uint8. Raises TrainerError where its bytes are no image."""
        channels = self.manifest.channels
        with self._decoding(row, "Image"):
            if self.manifest.encoding == "encoded":
                file = bytes(self._bytes(row))
                return preprocess.decode(file, height=height, width=width, channels=channels, fit=self.fit)
            return self.laid(self._of_pixels(row), height=height, width=width)

    def whole(self, row: int) -> Image.Image:
        """One image at its own size, upright. Raises TrainerError where its bytes are no image."""
        with self._decoding(row, "Image"):
            if self.manifest.encoding == "raw":
                return self._of_pixels(row)
            with Image.open(BytesIO(self._bytes(row))) as image:
                return ImageOps.exif_transpose(image).convert("L" if self.manifest.channels == 1 else "RGB")

    def laid(self, image: Image.Image, *, height: int, width: int) -> NDArray[np.uint8]:
        """An image, or a tile of one, as (height, width, channels) uint8."""
        return preprocess.to_pixels(image, height=height, width=width, channels=self.manifest.channels, fit=self.fit)

    def read_mask(self, row: int, *, height: int, width: int, crop: Crop | None = None) -> NDArray[np.uint8]:
        """The mask of an image, or of a tile of it, as (height, width, 1) class numbers, `IGNORE` in the padding.

        Raises TrainerError where its bytes are none.
        """
        with (
            self._decoding(row, "The mask of"),
            Image.open(BytesIO(self.table.column("mask")[row].as_buffer())) as image,
        ):
            part = image.crop(crop) if crop else image
            rows, columns = preprocess.content_size((part.height, part.width), height=height, width=width, fit=self.fit)
            resized = part.resize((columns, rows), Image.Resampling.NEAREST)
            content = self._numbered(np.asarray(resized, np.uint8)).reshape(rows, columns, 1)
            return preprocess.framed(content, height=height, width=width, fill=IGNORE)

    def shown(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each class that an image of the rows shows: the places among the rows, ascending, and the classes.

        Of masks and boxes; the background is no class here.
        """
        column = self.table.column("classes" if self.manifest.task == "segmentation" else "box_labels")
        background = self.manifest.classes.index(BACKGROUND) if BACKGROUND in self.manifest.classes else -1
        found = [sorted({*column[row].as_py()} - {background}) for row in rows.tolist()]
        places = np.repeat(np.arange(len(rows)), [len(classes) for classes in found])
        return places, np.array([label for classes in found for label in classes], np.int64)

    @property
    def raw_shape(self) -> tuple[int, int, int]:
        """Height, width, channels of every image of a raw pack."""
        height, width = self.manifest.image_size or (0, 0)
        return height, width, self.manifest.channels

    def raw_chunks(self) -> Iterator[NDArray[np.uint8]]:
        """A raw pack's images, (n, height, width, channels) for each record batch, straight from the map."""
        for chunk in self.table.column("image").chunks:
            yield np.frombuffer(_values(chunk), np.uint8).reshape(len(chunk), *self.raw_shape)

    def _numbered(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask in the class numbers of the manifest."""
        if self.numbers is None:
            return values
        table = np.full(256, IGNORE, np.uint8)
        table[: len(self.numbers)] = np.where(self.numbers == NOBODY, IGNORE, self.numbers)
        return table[values]

    def _of_pixels(self, row: int) -> Image.Image:
        pixels = np.frombuffer(self._bytes(row), np.uint8).reshape(*self.raw_shape)
        return Image.fromarray(pixels.squeeze(-1) if self.manifest.channels == 1 else pixels)

    @contextmanager
    def _decoding(self, row: int, what: str) -> Iterator[None]:
        """Names the image whose bytes cannot be decoded."""
        try:
            yield
        except (OSError, ValueError) as error:
            name = self.table.column("path")[row].as_py()
            message = f"{what} {name!r} (row {row} of the pack) cannot be decoded: {error}"
            raise ended("dataset_invalid", message) from error

    def _bytes(self, row: int) -> memoryview:
        chunk = int(np.searchsorted(self.chunk_starts, row, side="right")) - 1
        return memoryview(self.table.column("image").chunk(chunk)[row - int(self.chunk_starts[chunk])].as_buffer())


def open_pack(folder: Path) -> Pack:
    """Open and check a pack. Raises TrainerError where it is not what its manifest says."""
    manifest = read_manifest(folder / PACK_MANIFEST)
    path = folder / PACK_SAMPLES
    if not path.is_file() or path.stat().st_size != manifest.bytes:
        raise ended(
            "dataset_invalid", f"{path.name} is missing or not {manifest.bytes} bytes long, as the manifest says."
        )
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise ended("dataset_invalid", f"{path.name} is not an Arrow IPC file: {error}") from error
    return _checked(table, manifest)


def read_manifest(path: Path) -> PackManifest:
    """Raises TrainerError where there is none, or something else."""
    try:
        return PackManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ended("dataset_invalid", f"There is no {path.name} in the pack.") from error
    except ValidationError as error:
        raise ended("dataset_invalid", f"{path.name} is not a pack's manifest: {error}") from error


def _checked(table: pa.Table, manifest: PackManifest) -> Pack:
    schema = SCHEMAS[manifest.task]
    if not table.schema.equals(schema):
        raise ended("dataset_invalid", f"The columns of the pack are {table.schema.names}, not {schema.names}.")
    labels = table.column("label").to_numpy().astype(np.int64)
    splits = table.column("split").to_numpy()
    if len(table) != manifest.samples or (splits == Split.TRAIN).sum() != manifest.split_size("train"):
        raise ended("dataset_invalid", "The pack does not hold the samples that its manifest counts.")
    lowest = 0 if manifest.task == "classification" else -1
    if not len(table) or labels.min() < lowest or labels.max() >= len(manifest.classes):
        raise ended("dataset_invalid", f"The labels of the pack are not all within 0..{len(manifest.classes) - 1}.")
    if _digest(table, manifest) != manifest.digest:
        raise ended("dataset_invalid", "The labels, splits or samples of the pack are not the ones of its manifest.")
    lengths = [len(chunk) for chunk in table.column("image").chunks]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return Pack(manifest, labels=labels, splits=splits, table=table, chunk_starts=starts)


def _digest(table: pa.Table, manifest: PackManifest) -> str:
    return digest(
        manifest.classes,
        sha256s=_digests(table, "sha256"),
        labels=table.column("label").to_numpy(),
        splits=table.column("split").to_numpy(),
        marks_sha256s=_digests(table, MARKS_SHA256) if MARKS_SHA256 in table.schema.names else None,
    )


def _digests(table: pa.Table, column: str) -> NDArray[np.void]:
    digests = table.column(column).combine_chunks()
    return np.frombuffer(digests.buffers()[1], "V32")[digests.offset :][: len(table)]


def _values(chunk: pa.LargeBinaryArray) -> memoryview:
    """The bytes of all the values of a chunk, one after the other, without a copy."""
    first, last = np.frombuffer(chunk.buffers()[1], np.int64)[[chunk.offset, chunk.offset + len(chunk)]]
    return memoryview(chunk.buffers()[2])[first:last]
