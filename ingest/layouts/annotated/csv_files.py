"""Tables of boxes as comma separated text: their rows, one at a time, and what tells one kind from another."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from ingest import names
from ingest.archives.members import Member
from ingest.layouts.annotated.layout import Given

csv.field_size_limit(1 << 20)
_HEAD = 65_536


@dataclass(frozen=True)
class Table:
    path: str
    written: list[str]  # the first row
    content: bytes

    @property
    def header(self) -> list[str]:
        return [cell.strip().lower() for cell in self.written]

    def rows(self) -> Iterator[list[str]]:
        """All rows after the first. What cannot be read any further ends them."""
        rows = _rows(self.content)
        next(rows, None)
        yield from rows


def read_tables(given: Given) -> Iterator[Table]:
    """Every table of the archive, one at a time; of texts those that begin with an image and five cells more."""
    files = {
        m.position: m.path for m in given.others if names.suffix(m.path) in {"csv", "tsv"} or _may_be_table(m, given)
    }
    for position, content in given.archive.read(files, limit=given.limits.table_bytes) if files else ():
        first = next(_rows(content), None)
        text = names.suffix(files[position]) == "txt"
        if first is not None and (not text or (len(first) == 6 and names.is_image(first[0].strip()))):
            yield Table(files[position], first, content)


def _may_be_table(member: Member, given: Given) -> bool:
    """Whether a text is not one for each image."""
    return names.suffix(member.path) == "txt" and names.stem(member.path) not in given.stems


def column(header: list[str], *known: str) -> int | None:
    """The place of the first of these names that the header has."""
    return next((header.index(name) for name in known if name in header), None)


def _rows(content: bytes) -> Iterator[list[str]]:
    """Rows that are not empty, of UTF-8 or, as Excel saves it, UTF-16; other bytes stay apart."""
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    if encoding == "utf-8-sig" and not names.is_text(content, "utf-8"):
        encoding = names.guess_encoding(content)[0]
    head = content[:_HEAD].decode(encoding, "replace").split("\n", 1)[0]
    stream = io.TextIOWrapper(io.BytesIO(content), encoding, "backslashreplace", newline="")
    try:
        for row in csv.reader(stream, delimiter=max(",;\t", key=head.count)):
            if any(row):
                yield row
    except (csv.Error, UnicodeError):
        return
