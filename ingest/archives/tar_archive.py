"""Tar and tar.gz, read as streams, forward only: once for the names, once for the content. Only regular files count."""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

from ingest import names
from ingest.archives.budget import Budget, Counted, TooLong, read_whole
from ingest.archives.members import Kind, Member, refuse_special, refuse_twin, screen
from ingest.findings import Findings, Refused
from ingest.limits import Limits

DAMAGE = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError)
_HEADER_LIMIT = 1 << 20
_BUFFER = 1 << 18
_TELL_EVERY = 256
_EXTENDED = {b"x", b"g", b"X", b"L", b"K"}  # headers with content, which tarfile reads in one piece
_COPY_AGAIN = "Upload the file again, or pack it again."


class _Header(tarfile.TarInfo):
    """A header whose extended content has a sane length."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:  # tarfile would take a broken or missing header for the end
            raise tarfile.ReadError(str(error)) from error
        if header.size < 0 or (header.type in _EXTENDED and header.size > _HEADER_LIMIT):
            raise tarfile.ReadError("a header states an impossible length")
        return header


class TarArchive:
    """`looked` hears now and then how many entries the listing has passed: a large tar.gz takes minutes."""

    def __init__(
        self, path: Path, kind: Kind, *, limits: Limits, findings: Findings, looked: Callable[[int], None]
    ) -> None:
        self.kind: Kind = kind
        self._path = path
        self._limits = limits
        self._findings = findings
        self._looked = looked
        self._paths: dict[int, str] = {}

    def members(self) -> list[Member]:
        taken: set[str] = set()
        with self._damage_refused():
            for position, header, _ in self._walk():
                if position % _TELL_EVERY == 0:
                    self._looked(position)
                path = self._member_path(header)
                if path is None:
                    continue
                if path in taken:
                    refuse_twin(path, self._findings)
                    continue
                taken.add(path)
                self._paths[position] = path
        return [Member(path, position) for position, path in self._paths.items()]

    def read(self, positions: Collection[int], *, limit: int) -> Iterator[tuple[int, bytes]]:
        wanted = set(positions)
        with self._damage_refused():
            for position, header, tar in self._walk():
                if position not in wanted:
                    continue
                wanted.discard(position)
                content = self._content(tar, header, position=position, limit=limit)
                if content is not None:
                    yield position, content
                if not wanted:
                    return

    def close(self) -> None:
        """Nothing is held open between passes."""

    def _member_path(self, header: tarfile.TarInfo) -> str | None:
        if header.isdir():
            return None
        path, guessed = names.decode(header.name.encode("utf-8", "surrogateescape"))
        shown = screen(path, guessed=guessed, findings=self._findings)
        if shown is None:
            return None
        if not header.isreg() or header.issparse():
            refuse_special(shown, _kind_of(header), self._findings)
            return None
        return shown

    def _content(self, tar: tarfile.TarFile, header: tarfile.TarInfo, *, position: int, limit: int) -> bytes | None:
        stream = tar.extractfile(header)
        if stream is None:
            return None
        try:
            return read_whole(stream, limit)
        except TooLong:
            message = f"The file has more than {limit:,} bytes."
            self._findings.reject(self._paths[position], "file_too_large", message)
            return None

    def _walk(self) -> Iterator[tuple[int, tarfile.TarInfo, tarfile.TarFile]]:
        """Every header with its position. Raises Refused for too many, and for a tar that ends early."""
        with self._path.open("rb") as file, self._unpacked(file) as stream:
            counted: Any = Counted(stream, Budget(self._limits, self._path.stat().st_size))
            with tarfile.open(fileobj=counted, mode="r|", bufsize=_BUFFER, tarinfo=_Header) as tar:
                position = 0
                while (header := tar.next()) is not None:
                    if position >= self._limits.entries:
                        message = f"The archive has more than {self._limits.entries:,} entries."
                        raise Refused("too_many_entries", message, "Split it.")
                    yield position, header, tar
                    tar.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every header
                    position += 1

    @contextmanager
    def _damage_refused(self) -> Iterator[None]:
        try:
            yield
        except DAMAGE as error:
            message = f"The tar is cut short or damaged: {names.printable(str(error))}."
            raise Refused("tar_damaged", message, _COPY_AGAIN) from error

    @contextmanager
    def _unpacked(self, file: BinaryIO) -> Iterator[BinaryIO]:
        if self.kind == "tar":
            yield file
            return
        with gzip.GzipFile(fileobj=file) as stream:
            yield stream  # type: ignore[misc]


def _kind_of(header: tarfile.TarInfo) -> str:
    if header.issym() or header.islnk():
        return "link"
    return "sparse file" if header.issparse() else "device or pipe"
