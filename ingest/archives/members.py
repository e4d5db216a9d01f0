"""What kind of file was uploaded, and the one way in which zip and tar are read: list the members, then stream some.

Nothing is ever extracted to disk, and names inside an archive are only ever compared and printed.
"""

import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ingest import names
from ingest.findings import Findings, Refused

Kind = Literal["zip", "tar", "tar.gz", "npz", "parquet"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OTHERS = {
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"\x80\x04\x95": "pickle",
    b"\x80\x02": "pickle",
}
_FIX = "Upload a zip, tar or tar.gz of class folders, images with a CSV, an .npz, or a Parquet file."


class Member(NamedTuple):
    """A regular file in an archive. `position` finds it again."""

    path: str
    position: int


class Archive(Protocol):
    kind: Kind

    def members(self) -> list[Member]:
        """The regular files with sound names. Says what else there is. Raises Refused."""

    def read(self, positions: Collection[int], *, limit: int) -> Iterator[tuple[int, bytes]]:
        """The content of some members, in the archive's order; rejects what cannot be read. Raises Refused."""

    def close(self) -> None: ...


def sniff(path: Path) -> Kind:
    """The kind by content, not by name. A zip of arrays is told from other zips by its reader. Raises Refused."""
    with path.open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
    if not head:
        raise Refused("archive_empty", "The file is empty.", _FIX)
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    if head.startswith(b"PAR1"):
        return "parquet"
    if _is_tar(head):
        return "tar"
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise Refused("archive_unsupported", f"{name} files are not read.", _FIX)
    raise Refused("not_an_archive", "This kind of file is not read.", _FIX)


def screen(path: str, *, guessed: str | None, findings: Findings) -> str | None:
    """A member's path made tidy and printable; None, and a finding, for one that is not taken."""
    fault = names.fault(path)
    shown = names.printable(names.tidy(path))
    if fault or not shown:
        fix = "Pack the folder itself, with plain relative names."
        _refuse_member(names.printable(path), "unsafe_name", fault or "the name is empty", fix=fix, findings=findings)
        return None
    if names.is_junk(shown):
        findings.ignore(shown, "junk_ignored", "A leftover of an operating system or editor.")
        return None
    if guessed is not None:
        message = f"The name is not UTF-8 and was read as {guessed}."
        findings.add("warning", "name_not_utf8", message, path=shown, fix="Pack the files again with UTF-8 names.")
    return shown


def refuse_special(path: str, kind: str, findings: Findings) -> None:
    fix = "Pack the file it stands for."
    _refuse_member(path, "not_a_regular_file", f"a {kind} is not followed", fix=fix, findings=findings)


def refuse_twin(path: str, findings: Findings) -> None:
    findings.leave_out(path, "duplicate_name", "The archive holds this name twice; the first is taken.")


def _refuse_member(path: str, code: str, message: str, *, fix: str, findings: Findings) -> None:
    """Counts as a bad image where an image was to be expected."""
    if names.is_image(path):
        findings.reject(path, code, message, fix=fix)
    else:
        findings.ignored += 1
        findings.add("warning", code, message, path=path, fix=fix)


def _is_tar(head: bytes) -> bool:
    if head.count(0) == len(head) == tarfile.BLOCKSIZE:
        return True  # an empty tar is zeros only
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True
