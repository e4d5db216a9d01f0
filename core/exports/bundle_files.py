"""The files of a bundle: where each lies in the zip, and its sha256, so that one is read without the others."""

import hashlib
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import IO, Any

from contract.files import BUNDLE
from core.errors import ChecksumMismatch, Gone, NotFound
from core.store import storage

_IN_MEMORY_BYTES = 2**20
_LOCAL_HEADER = struct.Struct("<26x2H")  # of a zip's entry: the lengths of its name and of what else precedes the data


class BundleDamaged(Gone):
    """The stored file is not the one that was exported, so it is not opened. Export the model again."""


class NoSuchFile(NotFound):
    """The bundle has no such file. Its `manifest.json` names all files."""


@dataclass(frozen=True)
class Member:
    """One file: its bytes in the zip, and what they unpack to."""

    start: int
    end: int
    deflated: bool
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """A stored bundle, as its row describes it."""

    key: str
    bytes: int
    sha256: str
    members: Mapping[str, Any] | None  # Member as JSON, by name; None for exports of releases that did not keep them


def members_of(path: Path) -> dict[str, dict[str, Any]]:
    """All files of a bundle on disk, to be kept with its row. Raises BadZipFile."""
    with zipfile.ZipFile(path) as bundle, path.open("rb") as raw:
        return {entry.filename: asdict(_member(bundle, entry, raw)) for entry in bundle.infolist()}


def open_file(bundle: Bundle, name: str) -> IO[bytes]:
    """One file, unpacked, once its sha256 was compared. Raises NoSuchFile, BundleDamaged or StoreUnavailable."""
    if bundle.members is None:
        return _open_whole(bundle, name)
    if name not in bundle.members:
        raise _no_such_file(name, bundle.members)
    if storage.size(bundle.key) != bundle.bytes:
        raise BundleDamaged
    return _open_member(bundle.key, Member(**bundle.members[name]))


def _open_member(key: str, member: Member) -> IO[bytes]:
    found = _temporary()
    try:
        _fill(found, key, member)
    except BaseException:
        found.close()
        raise
    found.seek(0)
    return found


def _fill(found: IO[bytes], key: str, member: Member) -> None:
    digest = hashlib.sha256()
    for piece in _unpacked(key, member):
        digest.update(piece)
        found.write(piece)
    if digest.hexdigest() != member.sha256:
        raise BundleDamaged


def _unpacked(key: str, member: Member) -> Iterator[bytes | memoryview]:
    """Never more than the member's bytes, whatever lies there. Raises BundleDamaged or StoreUnavailable."""
    chunks = storage.read(key, start=member.start, end=member.end)
    if not member.deflated:
        yield from chunks
        return
    inflate, left = zlib.decompressobj(-zlib.MAX_WBITS), member.bytes
    for chunk in chunks:
        try:
            piece = inflate.decompress(chunk, left + 1)
        except zlib.error as error:
            raise BundleDamaged from error
        left -= len(piece)
        if left < 0:
            raise BundleDamaged
        yield piece


def _open_whole(bundle: Bundle, name: str) -> IO[bytes]:
    """The whole bundle is fetched and compared."""
    with TemporaryDirectory(prefix="patchswap-bundle-") as folder:
        path = Path(folder) / BUNDLE
        try:
            storage.get_file(bundle.key, path, sha256=bundle.sha256)
        except (ChecksumMismatch, NotFound) as error:
            raise BundleDamaged from error
        try:
            with zipfile.ZipFile(path) as archive:
                if name not in archive.namelist():
                    raise _no_such_file(name, archive.namelist())
                found = _temporary()
                with archive.open(name) as packed:
                    shutil.copyfileobj(packed, found)
        except zipfile.BadZipFile as error:
            raise BundleDamaged from error
    found.seek(0)
    return found


def _temporary() -> IO[bytes]:
    return SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)


def _no_such_file(name: str, names: Iterable[str]) -> NoSuchFile:
    return NoSuchFile(f"The bundle has no file {name!r}. It has {', '.join(sorted(names))}.")


def _member(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, raw: IO[bytes]) -> Member:
    raw.seek(entry.header_offset)
    start = entry.header_offset + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size)))
    digest = hashlib.sha256()
    with bundle.open(entry) as content:
        while piece := content.read(_IN_MEMORY_BYTES):
            digest.update(piece)
    deflated = entry.compress_type == zipfile.ZIP_DEFLATED
    return Member(start, start + entry.compress_size, deflated, entry.file_size, digest.hexdigest())
