"""Parquet files in a zip, `data/train-00000-of-00002.parquet` and the like: one dataset, splits by the names of files.

Each is copied to the scratch folder, for its footer stands at the end; there it has no name once it is open.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.archives.budget import CHUNK
from ingest.archives.members import Member
from ingest.archives.zip_archive import DAMAGE, ZipArchive
from ingest.findings import Findings, Refused
from ingest.layouts.parquet import Frame, open_parquet
from ingest.limits import Limits
from ingest.samples import Sample

_MOST = 128  # files, each of which is held open


@dataclass(frozen=True)
class Shards:
    frames: list[Frame]
    archive: ZipArchive

    @property
    def total(self) -> int:
        return sum(frame.total for frame in self.frames)

    @property
    def class_names(self) -> list[str] | None:
        """In the order of the files; None where one does not state them."""
        stated = [frame.class_names for frame in self.frames]
        if not all(stated):
            return None
        return list(dict.fromkeys(name for each in stated for name in each or []))

    def samples(self) -> Iterator[Sample]:
        for frame in self.frames:
            yield from frame.samples()

    def close(self) -> None:
        for frame in self.frames:
            frame.file.close()
        self.archive.close()


def are_shards(members: list[Member]) -> bool:
    """Whether the pictures of an archive are in Parquet files: there are some, and no image files."""
    return any(names.suffix(member.path) == "parquet" for member in members) and not any(
        names.is_image(member.path) for member in members
    )


def open_shards(
    archive: ZipArchive,
    members: list[Member],
    *,
    scratch: Path,
    asked: ReadingSpec,
    limits: Limits,
    findings: Findings,
) -> Shards:
    """Copy the files out and find their columns. Raises Refused."""
    frames = []
    for member in shards_of(members, findings):
        with copied(archive, member, scratch) as path:
            frames.append(open_parquet(path, limits, findings, asked=asked, shown=member.path))
    return Shards(frames, archive)


def shards_of(members: list[Member], findings: Findings) -> list[Member]:
    """The Parquet files. Other files are reported. Raises Refused for too many."""
    files = [member for member in members if names.suffix(member.path) == "parquet"]
    if len(files) > _MOST:
        message = f"The archive holds more than {_MOST} Parquet files."
        raise Refused("too_many_entries", message, "Write fewer, larger ones.")
    for member in members:
        if member not in files:
            findings.ignore(member.path, "file_ignored", "Not a Parquet file.")
    return files


@contextmanager
def copied(archive: ZipArchive, member: Member, scratch: Path) -> Iterator[Path]:
    """A file copied out; whoever opens it while it has this name can read on. Raises Refused."""
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".parquet") as copy:
        try:
            with archive.open(member.position) as stream:
                while chunk := stream.read(CHUNK):
                    copy.write(chunk)
        except DAMAGE as error:
            message = f"{member.path} is damaged: {names.printable(str(error))[:200]}."
            raise Refused("parquet_damaged", message, "Pack the file again.") from error
        copy.flush()
        yield Path(copy.name)
