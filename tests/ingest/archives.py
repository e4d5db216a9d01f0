"""Builds archives and image files in memory, small and the same each time."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
SIDE = 16


def pixels(seed: int, *, side: int = SIDE, channels: int = 3) -> Pixels:
    """Noise: no two seeds share an image, and it does not compress."""
    drawn = np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)
    return drawn[..., 0] if channels == 1 else drawn


def encode(image: Pixels | Image.Image, form: str = "PNG", **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def png(seed: int, *, side: int = SIDE, channels: int = 3) -> bytes:
    return encode(pixels(seed, side=side, channels=channels))


def folders(classes: Mapping[str, int], *, prefix: str = "", start: int = 0) -> dict[str, bytes]:
    """`{class: images}` as name -> PNG, with different pixels in each."""
    found = {}
    for name, count in classes.items():
        for number in range(count):
            found[f"{prefix}{name}/{number}.png"] = png(start + len(found))
    return found


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def zipped_entries(entries: Iterable[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    """A zip of hand-made entries, twins allowed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return file.getvalue()


def tarred(files: Mapping[str, bytes], *, mode: str = "w:gz", extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        for header in extra:
            archive.addfile(header)
    return file.getvalue()


def npz(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def parquet(columns: Mapping[str, object], metadata: bytes | None = None) -> bytes:
    table = pa.table(dict(columns))
    if metadata is not None:
        table = table.replace_schema_metadata({b"huggingface": metadata})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header_only(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that promises so many pixels and holds next to none."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    image = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + image


def with_chunk(file: bytes, name: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk, right after its header."""
    return file[:33] + chunk(name, content) + file[33:]


def exif(orientation: int = 1) -> bytes:
    """An EXIF block with a place in it."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "CANARY-MAKER"
    block.get_ifd(0x8825)[1] = "N"
    block.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    return block.tobytes()
