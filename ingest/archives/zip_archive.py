"""Zip files, read by their central directory. What it says is checked: length, overlaps, and every entry's bytes."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingest import names
from ingest.archives.budget import Budget, Counted, TooLong, read_whole
from ingest.archives.members import Kind, Member, refuse_special, refuse_twin, screen
from ingest.findings import Findings, Refused
from ingest.limits import Limits

DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError, NotImplementedError,
    struct.error, OverflowError,
)  # fmt: skip
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # bzip2 and lzma are unpacked by zipfile without bound
_ENCRYPTED, _UTF8 = 0x1, 0x800
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_RECORD = b"PK\x01\x02"
_RECORD_BYTES = 46
_LOCAL_BYTES = 30
_COPY_AGAIN = "Upload the file again, or pack it again."


class ZipArchive:
    kind: Kind = "zip"

    def __init__(self, path: Path, limits: Limits, findings: Findings) -> None:
        self._limits = limits
        self._findings = findings
        self._budget = Budget(limits, path.stat().st_size)
        try:
            with path.open("rb") as file:
                _check_directory(file, path.stat().st_size, limits)
            self._file = zipfile.ZipFile(path)
            self._infos = self._file.infolist()
        except DAMAGE as error:
            message = f"The zip is cut short or damaged: {names.printable(str(error))}."
            raise Refused("zip_damaged", message, _COPY_AGAIN) from error
        _check_overlap(self._infos, self._file.start_dir)

    @property
    def entries(self) -> int:
        """Folders and refused entries among them: positions stay below."""
        return len(self._infos)

    def members(self) -> list[Member]:
        found = []
        taken: set[str] = set()
        for position, info in enumerate(self._infos):
            if info.is_dir():
                continue
            path = self._member_path(info)
            if path is None:
                continue
            if path in taken:
                refuse_twin(path, self._findings)
                continue
            taken.add(path)
            found.append(Member(path, position))
        return found

    def read(self, positions: Collection[int], *, limit: int) -> Iterator[tuple[int, bytes]]:
        for position in sorted(positions, key=lambda at: self._infos[at].header_offset):
            content = self._content(position, limit)
            if content is not None:
                yield position, content

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def open(self, position: int) -> Iterator[Counted]:
        """One entry as a stream. Raises one of DAMAGE, here and while it is read."""
        info = self._infos[position]
        if info.compress_type not in _READABLE:
            raise zipfile.BadZipFile("its compression is not read; pack it with the usual method, deflate")
        with self._file.open(info) as stream:
            yield Counted(stream, self._budget, packed_bytes=info.compress_size)

    def _member_path(self, info: zipfile.ZipInfo) -> str | None:
        raw = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
        path, guessed = names.decode(raw)
        shown = screen(path, guessed=guessed, findings=self._findings)
        mode = info.external_attr >> 16
        if shown is None:
            return None
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            refuse_special(shown, "link or device", self._findings)
            return None
        return shown

    def _content(self, position: int, limit: int) -> bytes | None:
        info = self._infos[position]
        path = names.printable(info.filename)
        if info.flag_bits & _ENCRYPTED:
            self._findings.reject(path, "encrypted", "The entry is encrypted.", fix="Pack it without a password.")
            return None
        try:
            with self.open(position) as stream:
                return read_whole(stream, limit)
        except TooLong:
            self._findings.reject(path, "file_too_large", f"The file has more than {limit:,} bytes.")
        except DAMAGE as error:
            message = f"The entry is damaged: {names.printable(str(error))}."
            self._findings.reject(path, "entry_damaged", message, fix=_COPY_AGAIN)
        return None


def _check_directory(file: BinaryIO, size: int, limits: Limits) -> None:
    """Walk the table of contents without keeping it: zipfile would hold every entry before anyone could count."""
    start, length = _directory(file, size)
    if not 0 <= start <= start + length <= size:
        raise zipfile.BadZipFile("the table of contents lies outside the file")
    file.seek(start)
    at = entries = 0
    while at < length:
        record = file.read(_RECORD_BYTES)
        if len(record) < _RECORD_BYTES or not record.startswith(_RECORD):
            raise zipfile.BadZipFile("the table of contents is damaged")
        rest = sum(struct.unpack_from("<HHH", record, 28))
        file.seek(rest, 1)
        at += _RECORD_BYTES + rest
        entries += 1
        if entries > limits.entries:
            raise Refused("too_many_entries", f"The archive has more than {limits.entries:,} entries.", "Split it.")


def _directory(file: BinaryIO, size: int) -> tuple[int, int]:
    """Where the table of contents starts, and its length, as zipfile will take them."""
    tail_start = max(0, size - 65_535 - 22 - 20)
    file.seek(tail_start)
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        raise zipfile.BadZipFile("its table of contents, which stands at the end, is missing")
    length = struct.unpack_from("<L", tail, end + 12)[0]
    locator = end - 20
    if locator < 0 or tail[locator : locator + 4] != _LOCATOR64:
        return tail_start + end - length, length
    file.seek(tail_start + locator - 56)
    end64 = file.read(56)
    if not end64.startswith(_END64):
        return tail_start + end - length, length
    length = struct.unpack_from("<Q", end64, 40)[0]
    return tail_start + locator - 56 - length, length


def _check_overlap(infos: list[zipfile.ZipInfo], directory_start: int) -> None:
    """Entries that share bytes are the mark of a bomb: a real packer never writes them."""
    free = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < free:
            raise Refused("archive_bomb", "Entries of the zip overlap each other.", "Pack the images again.")
        free = info.header_offset + _LOCAL_BYTES + len(info.orig_filename) + info.compress_size
    if free > directory_start:
        raise Refused("zip_damaged", "An entry reaches beyond the end of the zip.", _COPY_AGAIN)
