"""Tables of boxes as comma separated text: their rows, with what is needed to tell one kind from another."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from ingest import names
from ingest.layouts.annotated.layout import Given

csv.field_size_limit(1 << 20)
_HEAD = 65_536


class Rows(NamedTuple):
    path: str
    header: list[str]  # lower case, without spaces around
    rows: list[list[str]]  # without the header
    written: list[str]  # the header as it is written


def read_tables(given: Given) -> Iterator[Rows]:
    """Every CSV of the archive that is text, one at a time."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) in {"csv", "tsv"}}
    for position, content in given.archive.read(files, limit=given.limits.table_bytes) if files else ():
        text = decoded(content)
        try:
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if any(row)]
        except csv.Error:
            continue
        if rows:
            yield Rows(files[position], [cell.strip().lower() for cell in rows[0]], rows[1:], rows[0])


def decoded(content: bytes) -> str:
    """UTF-8 or UTF-16, as Excel saves it; other bytes stay apart."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "backslashreplace")


def column(header: list[str], *known: str) -> int | None:
    """The place of the first of these names that the header has."""
    return next((header.index(name) for name in known if name in header), None)


def _delimiter(text: str) -> str:
    line = text[:_HEAD].split("\n", 1)[0]
    return max(",;\t", key=line.count)
