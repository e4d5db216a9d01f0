"""Zips inside a zip, as CVAT and others pack images and annotations apart: read as folders of the outer one.

One level deep. Each inner zip is copied to the scratch folder, where it has no name once it is open; what it unpacks to
is held against its own size, as that of any zip is.
"""

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from ingest import names
from ingest.archives.budget import CHUNK
from ingest.archives.members import Kind, Member
from ingest.archives.zip_archive import DAMAGE, ZipArchive
from ingest.findings import Findings, Refused
from ingest.limits import Limits

_MOST = 64  # inner zips


class NestedZips:
    """An outer zip with its inner zips. Positions count on from one to the next."""

    kind: Kind = "zip"

    def __init__(self, outer: ZipArchive, members: list[Member]) -> None:
        self._members = members
        self._parts = [outer]
        self._starts = [0]
        self._end = outer.entries

    def add(self, inner: ZipArchive, folder: str) -> None:
        start = self._end
        self._parts.append(inner)
        self._starts.append(start)
        self._end += inner.entries
        self._members += [Member(f"{folder}/{member.path}", start + member.position) for member in inner.members()]

    def members(self) -> list[Member]:
        return self._members

    def read(self, positions: Collection[int], *, limit: int) -> Iterator[tuple[int, bytes]]:
        for at, part in enumerate(self._parts):
            start = self._starts[at]
            end = self._starts[at + 1] if at + 1 < len(self._starts) else self._end
            wanted = [position - start for position in positions if start <= position < end]
            for position, content in part.read(wanted, limit=limit) if wanted else ():
                yield start + position, content

    def close(self) -> None:
        for part in reversed(self._parts):
            part.close()


def open_nested(
    outer: ZipArchive, members: list[Member], scratch: Path, limits: Limits, findings: Findings
) -> NestedZips:
    """With all members, those of inner zips below a folder of the zip's name. Raises Refused."""
    inner = [member for member in members if names.suffix(member.path) == "zip"]
    if len(inner) > _MOST:
        raise Refused("too_many_entries", f"The archive holds more than {_MOST} zips.", "Pack the files themselves.")
    together = NestedZips(outer, [member for member in members if names.suffix(member.path) != "zip"])
    for member in inner:
        folder = member.path.rpartition(".")[0]
        opened = _opened(outer, member, scratch, limits, findings)
        if opened is not None:
            together.add(opened, folder)
            findings.add("info", "nested_zip", f"The zip was read as the folder {folder!r}.", path=member.path)
    return together


def _opened(outer: ZipArchive, member: Member, scratch: Path, limits: Limits, findings: Findings) -> ZipArchive | None:
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".zip") as copy:
        try:
            with outer.open(member.position) as stream:
                while chunk := stream.read(CHUNK):
                    copy.write(chunk)
            copy.flush()
            return ZipArchive(Path(copy.name), limits, findings)
        except (*DAMAGE, Refused) as error:
            if isinstance(error, Refused) and error.code == "archive_bomb":
                raise
            message = f"The zip inside cannot be read: {names.printable(str(error))[:200]}."
            findings.ignored += 1
            findings.add(
                "warning", "nested_zip_unreadable", message, path=member.path, fix="Pack its files themselves."
            )
            return None
