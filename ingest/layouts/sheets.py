"""Text files of strangers as text, and tables as rows of cells. Knows encodings and delimiters, no layout."""

import codecs
import csv
import io
from typing import NamedTuple

from ingest import names
from ingest.findings import Findings, Refused
from ingest.limits import Limits

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
_EVERY_OTHER_ZERO = 0.4


class Sheet(NamedTuple):
    """A table: its rows, the first being the header if it has one."""

    path: str
    rows: list[list[str]]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def header(self) -> list[str]:
        return [cell.strip().lower() for cell in self.rows[0]] if self.rows else []


def text_of(path: str, content: bytes, findings: Findings) -> str:
    """The content as text: UTF-8, UTF-16, else the likeliest of GBK, code page 850 and Latin-1, and a warning."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    head = content[:4096]
    if head[1::2].count(0) > _EVERY_OTHER_ZERO * len(head):
        return content.decode("utf-16-le", "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        text, encoding = names.guess_encoding(content)
    message = f"the file is not UTF-8 and was read as {encoding}"
    findings.add("warning", "table_not_utf8", message, path=path, fix="Save it as UTF-8 if names look wrong.")
    return text


def sheet_of(path: str, content: bytes, *, limits: Limits, findings: Findings) -> Sheet:
    text = text_of(path, content, findings)
    head = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True):
            if len(rows) > limits.entries:
                raise Refused("too_many_entries", f"the table has more than {limits.entries:,} rows", "Split it.")
            if row:
                rows.append(row)
    except csv.Error as error:
        findings.add("warning", "table_damaged", f"the table cannot be read on: {error}", path=path)
    return Sheet(path, rows)
