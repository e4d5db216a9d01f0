"""The first pass: image bytes go to an unnamed file, everything else to flat columns of about 120 bytes an image."""

import os
import tempfile
from array import array
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ingest.findings import Refused
from ingest.images.images import LEVELS, Ready
from ingest.images.miniatures import TILE_BYTES
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.names import class_order
from ingest.packing.presence import Presence, of_labels
from ingest.samples import Sample

UNDECIDED = -1  # in the split column: the dataset does not say


@dataclass(frozen=True)
class Columns:
    """What is known of N images, in the archive's order."""

    classes: list[str]
    label: NDArray[np.int32]  # of an image with marks: its rarest class, or len(classes) where it shows none
    split: NDArray[np.int8]
    height: NDArray[np.int32]
    width: NDArray[np.int32]
    channels: NDArray[np.int8]
    sha256: NDArray[np.bytes_]  # S32; numpy ignores trailing zero bytes, which changes neither equality nor order
    marks_sha256: NDArray[np.bytes_] | None  # of masks or boxes; None where a label is all there is
    presence: Presence
    sums: NDArray[np.int64]  # (N, 3); gray three times
    squares: NDArray[np.int64]


class _Marks:
    """Of images with masks or boxes: how long what is stored, its digest, and which classes it shows."""

    def __init__(self) -> None:
        self.stored, self.sha256 = array("q"), bytearray()
        self._shown, self._label, self._amount = array("i"), array("i"), array("q")

    def add(self, marks: Marks) -> None:
        self.stored.append(len(marks.stored))
        self.sha256 += marks.sha256
        self._shown.append(len(marks.classes))
        self._label.extend(marks.classes)
        self._amount.extend(marks.amounts)

    @property
    def num_classes(self) -> int:
        return max(self._label, default=-1) + 1

    def presence(self, classes: list[str]) -> Presence:
        image = np.repeat(np.arange(len(self._shown), dtype=np.int64), np.frombuffer(self._shown, np.int32))
        label, amount = np.frombuffer(self._label, np.int32), np.frombuffer(self._amount, np.int64)
        return Presence(classes, len(self._shown), image, label, amount)


class Staging:
    def __init__(self, folder: Path, limits: Limits) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=1 << 20)  # noqa: SIM115 - closed by __exit__
        self._limits = limits
        self._classes: dict[str, int] = {}
        self._offset, self._stored, self._path = array("q"), array("q"), array("i")  # where; lengths
        self._thumbnail = array("i")
        self._label, self._split = array("i"), array("b")
        self._height, self._width, self._channels = array("i"), array("i"), array("b")
        self._sums, self._squares = array("q"), array("q")
        self._sha256 = bytearray()
        self._marks = _Marks()
        self._end = 0
        self.wide = array("q")  # images of 16 bits, whose pixels are not final yet
        self.levels = np.zeros(LEVELS, np.int64)  # of their pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._label)

    def add(self, sample: Sample, ready: Ready) -> None:
        """Keep one image. Raises Refused where there are more classes than allowed."""
        path = sample.path.encode()
        self._file.write(ready.stored)
        self._file.write(path)
        if ready.marks is not None:
            self._file.write(ready.marks.stored)
            self._marks.add(ready.marks)
        self._file.write(ready.tile)
        self._file.write(ready.thumbnail)
        self._offset.append(self._end)
        self._stored.append(len(ready.stored))
        self._path.append(len(path))
        self._thumbnail.append(len(ready.thumbnail))
        self._end += len(ready.stored) + len(path) + (len(ready.marks.stored) if ready.marks else 0)
        self._end += TILE_BYTES + len(ready.thumbnail)
        self._label.append(self._class(sample.label) if ready.marks is None else 0)
        self._split.append(UNDECIDED if sample.split is None else sample.split)
        self._height.append(ready.height)
        self._width.append(ready.width)
        self._channels.append(ready.channels)
        self._sums.extend(ready.sums * (3 // ready.channels))
        self._squares.extend(ready.squares * (3 // ready.channels))
        self._sha256 += ready.sha256
        if ready.levels is not None:
            self.wide.append(len(self) - 1)
            self.levels += ready.levels

    def replace(self, index: int, ready: Ready) -> None:
        """Another image of the same size in the place of one. Only before `columns`."""
        self._file.flush()
        rest = self._path[index] + (self._marks.stored[index] if self._marks.stored else 0)
        after = os.pread(self._file.fileno(), rest, self._offset[index] + self._stored[index])
        self._file.seek(self._end)
        whole = ready.stored + after + ready.tile + ready.thumbnail
        self._file.write(whole)
        self._offset[index], self._stored[index] = self._end, len(ready.stored)
        self._thumbnail[index] = len(ready.thumbnail)
        self._end += len(whole)
        for at, (one, square) in enumerate(zip(ready.sums * 3, ready.squares * 3, strict=True)):
            self._sums[3 * index + at], self._squares[3 * index + at] = one, square
        self._sha256[32 * index : 32 * (index + 1)] = ready.sha256

    def columns(self, stated: list[str] | None) -> Columns:
        """All that was kept. `stated`: the order of classes as the dataset gives it, else they are sorted."""
        self._file.flush()
        annotated = len(self._marks.stored) > 0
        if annotated:
            classes = stated or [f"class_{number}" for number in range(self._marks.num_classes)]
            presence = self._marks.presence(classes)
        else:
            presence = of_labels(*self._labelled(stated))
        return Columns(
            classes=presence.classes,
            label=presence.rarest() if annotated else presence.label,
            split=np.frombuffer(self._split, np.int8),
            height=np.frombuffer(self._height, np.int32),
            width=np.frombuffer(self._width, np.int32),
            channels=np.frombuffer(self._channels, np.int8),
            sha256=np.frombuffer(self._sha256, "S32"),
            marks_sha256=np.frombuffer(self._marks.sha256, "S32") if annotated else None,
            presence=presence,
            sums=np.frombuffer(self._sums, np.int64).reshape(-1, 3),
            squares=np.frombuffer(self._squares, np.int64).reshape(-1, 3),
        )

    def _labelled(self, stated: list[str] | None) -> tuple[list[str], NDArray[np.int32]]:
        present = [name for name in stated or [] if name in self._classes]
        classes = list(dict.fromkeys([*present, *class_order([name for name in self._classes if name not in present])]))
        number = {name: index for index, name in enumerate(classes)}
        renumbered = np.array([number[name] for name in self._classes], dtype=np.int32)
        return classes, renumbered[np.frombuffer(self._label, np.int32)]

    def read(self, index: int) -> tuple[bytes, str]:
        """The stored bytes of an image and its path. Only after `columns`."""
        stored = self._stored[index]
        content = os.pread(self._file.fileno(), stored + self._path[index], self._offset[index])
        return content[:stored], content[stored:].decode()

    def marks(self, index: int) -> bytes:
        """The stored mask or boxes of an image."""
        start = self._offset[index] + self._stored[index] + self._path[index]
        return os.pread(self._file.fileno(), self._marks.stored[index], start)

    def tile(self, index: int) -> bytes:
        """`miniatures.tile` of an image."""
        return os.pread(self._file.fileno(), TILE_BYTES, self._behind_marks(index))

    def thumbnail(self, index: int) -> bytes:
        """Empty where the image is small itself."""
        start = self._behind_marks(index) + TILE_BYTES
        return os.pread(self._file.fileno(), self._thumbnail[index], start)

    def _behind_marks(self, index: int) -> int:
        marks = self._marks.stored[index] if self._marks.stored else 0
        return self._offset[index] + self._stored[index] + self._path[index] + marks

    def read_stored(self, index: int) -> bytes:
        """The stored bytes alone; also before `columns`."""
        self._file.flush()
        return os.pread(self._file.fileno(), self._stored[index], self._offset[index])

    def read_path(self, index: int) -> str:
        """As `path`, before `columns`."""
        self._file.flush()
        return self.path(index)

    def path(self, index: int) -> str:
        start = self._offset[index] + self._stored[index]
        return os.pread(self._file.fileno(), self._path[index], start).decode()

    def _class(self, name: str) -> int:
        number = self._classes.setdefault(name, len(self._classes))
        if number >= self._limits.classes:
            message = f"The dataset has more than {self._limits.classes:,} classes."
            raise Refused("too_many_classes", message, "Check that folders or labels name classes, not images.")
        return number
