"""Text files of strangers as text, and tables as rows of cells. Knows encodings and delimiters, no layout."""

import codecs
import csv
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from ingest import names
from ingest.findings import Findings, Refused

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
_EVERY_OTHER_ZERO = 0.4
LONGEST_LINE = 1 << 20  # one row is held as a whole, at eight bytes a cell
_BYTES_A_CHARACTER = 4  # at most
_PROBED = 50


class Sheet:
    """A table. Its rows are decoded and parsed anew each time: as lists they take ten times the memory of the file."""

    def __init__(self, path: str, content: bytes, most_rows: int, findings: Findings) -> None:
        self.path, self.folder = path, path.rpartition("/")[0]
        self._content, self._most_rows, self._findings = content, most_rows, findings
        self._encoding = encoding_of(path, content, findings)
        head = next(lines_in(content, self._encoding), "")
        self._delimiter = max((",", ";", "\t"), key=head.count)

    @cached_property
    def probed(self) -> list[list[str]]:
        """The first rows, the header among them if there is one."""
        return list(islice(self.rows(), 1 + _PROBED))

    @cached_property
    def header(self) -> list[str]:
        """In lower case, with `_` for spaces and hyphens."""
        return [column_name(cell) for cell in self.probed[0]] if self.probed else []

    def rows(self, first: int = 0) -> Iterator[list[str]]:
        """Rows that hold anything, from the `first` on. Says where damage ends them. Raises Refused for too many."""
        lines = self._lines()
        number = 0
        try:
            for row in csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True):
                if not row:
                    continue
                if number > self._most_rows:
                    raise Refused(
                        "too_many_entries", f"{self.path} has more than {self._most_rows:,} rows.", "Split it."
                    )
                if number >= first:
                    yield row
                number += 1
        except csv.Error as error:
            if "table_damaged" not in self._findings.counts:
                message = f"The table cannot be read beyond row {number}: {error}."
                self._findings.add("warning", "table_damaged", message, path=self.path, fix="Save it again as CSV.")

    def _lines(self) -> Iterator[str]:
        for line in lines_in(self._content, self._encoding):
            if len(line) > LONGEST_LINE:
                raise csv.Error(f"a line has more than {LONGEST_LINE:,} characters")
            yield line


def column_name(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def lines_of(text: str) -> Iterator[str]:
    """The lines with their ends, one by one; of a longer one than LONGEST_LINE its beginning."""
    end = "\n" if "\n" in text else "\r"  # of files from old Macs
    start = 0
    while start < len(text):
        found = text.find(end, start)
        stop = len(text) if found < 0 else found + 1
        yield text[start : min(stop, start + LONGEST_LINE + 1)]
        start = stop


def lines_in(content: bytes, encoding: str) -> Iterator[str]:
    """`lines_of` of the decoded content, which is never held as a whole where lines can be told apart in the bytes."""
    if encoding.startswith("utf-16"):
        yield from lines_of(content.decode(encoding, "replace"))
        return
    end = b"\n" if b"\n" in content else b"\r"
    start = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
    while start < len(content):
        found = content.find(end, start)
        stop = len(content) if found < 0 else found + 1
        most = start + _BYTES_A_CHARACTER * (LONGEST_LINE + 1)
        yield content[start : min(stop, most)].decode(encoding, "replace")[: LONGEST_LINE + 1]
        start = stop


def text_of(path: str, content: bytes, findings: Findings) -> str:
    """The content as text."""
    return content.decode(encoding_of(path, content, findings), "replace")


def encoding_of(path: str, content: bytes, findings: Findings) -> str:
    """UTF-8, UTF-16, else the likeliest of GBK, code page 850 and Latin-1, and a warning."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    head = content[:4096]
    if head[1::2].count(0) > _EVERY_OTHER_ZERO * len(head):
        return "utf-16-le"
    if names.is_text(content, "utf-8"):
        return "utf-8"
    encoding, named = names.guess_encoding(content)
    message = f"The file is not UTF-8 and was read as {named}."
    findings.add("warning", "table_not_utf8", message, path=path, fix="Save it as UTF-8 if names look wrong.")
    return encoding
