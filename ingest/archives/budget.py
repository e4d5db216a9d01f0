"""Counts the bytes that an archive unpacks to, while it is read. Knows no format."""

from typing import Protocol

from ingest.findings import Refused
from ingest.limits import Limits

CHUNK = 256 * 1024
_FIX = "Pack the images themselves (JPEG or PNG), without nested or artificial content."


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TooLong(Exception):
    """An entry is longer than its limit."""


class Budget:
    """The whole of one pass over an archive. Raises Refused where the archive is a bomb."""

    def __init__(self, limits: Limits, archive_bytes: int) -> None:
        self.unpacked_bytes = 0
        self._limits = limits
        self._archive_bytes = max(archive_bytes, 1)

    def spend(self, count: int) -> None:
        self.unpacked_bytes += count
        if self.unpacked_bytes > self._limits.unpacked_bytes:
            message = f"The archive unpacks to more than {self._limits.unpacked_bytes:,} bytes."
            raise Refused("archive_too_large", message, "Split the dataset or scale the images down.")
        ratio = self.unpacked_bytes / self._archive_bytes
        if ratio > self._limits.total_ratio and self.unpacked_bytes > self._limits.total_ratio_floor_bytes:
            message = f"The archive unpacks to more than {self._limits.total_ratio:g} times its size."
            raise Refused("archive_bomb", message, _FIX)

    def check_entry(self, length: int, packed_bytes: int) -> None:
        ratio = length / max(packed_bytes, 1)
        if ratio > self._limits.entry_ratio and length > self._limits.entry_ratio_floor_bytes:
            message = f"An entry unpacks to more than {self._limits.entry_ratio:g} times its size."
            raise Refused("archive_bomb", message, _FIX)


class Counted:
    """A stream whose bytes are counted as they are read. `packed_bytes`: what it takes in the archive, if known."""

    def __init__(self, stream: Readable, budget: Budget, *, packed_bytes: int | None = None) -> None:
        self._stream = stream
        self._budget = budget
        self._packed_bytes = packed_bytes
        self._length = 0

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        self._length += len(chunk)
        self._budget.spend(len(chunk))
        if self._packed_bytes is not None:
            self._budget.check_entry(self._length, self._packed_bytes)
        return chunk


def read_whole(stream: Readable, limit: int) -> bytes:
    """All of a stream. Raises TooLong above `limit` bytes."""
    chunks = []
    length = 0
    while chunk := stream.read(CHUNK):
        length += len(chunk)
        if length > limit:
            raise TooLong
        chunks.append(chunk)
    return b"".join(chunks)
