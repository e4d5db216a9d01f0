"""Images with a CSV: rows name a file, a label and perhaps a split. Columns are found by name, or by what they hold."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts.finder import Finder
from ingest.layouts.folders import Labelled
from ingest.limits import Limits

NAME_COLUMNS = (
    "filename", "file_name", "file", "filepath", "file_path", "path", "image", "image_path", "image_name", "img",
    "img_path", "image_id", "id_code", "id", "name",
)  # fmt: skip
LABEL_COLUMNS = ("label", "class", "class_name", "label_name", "category", "target", "labels", "y", "species")
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "dataset")
_SUFFIXES = {"csv", "tsv"}


class Table(NamedTuple):
    """A CSV whose rows were found to name images."""

    path: str
    rows: list[list[str]]
    name: int  # columns
    label: int
    split: int | None
    whole: Split | None  # where the file itself is one split's: train.csv


def label_by_table(
    archive: Archive, others: list[Member], images: list[Member], *, limits: Limits, findings: Findings
) -> list[Labelled] | None:
    """What the archive's CSVs say of its images; None where none of them speaks of at least half of the images."""
    finder = Finder(images)
    tables = list(_tables(archive, others, finder, limits=limits, findings=findings))
    labelled: dict[int, Labelled] = {}
    quiet = Findings()
    for table in tables:
        _take_rows(table, finder, labelled, quiet)
    if 2 * len(labelled) < len(images) or not labelled:
        for table in tables:
            findings.ignore(table.path, "table_ignored", "the table names fewer than half of the images; folders count")
        return None
    labelled.clear()
    for table in tables:
        _take_rows(table, finder, labelled, findings)
    for member in images:
        if member.position not in labelled:
            findings.leave_out(member.path, "image_without_class", "no table names a class for the image")
    return list(labelled.values())


def _tables(
    archive: Archive, others: list[Member], finder: Finder, *, limits: Limits, findings: Findings
) -> Iterator[Table]:
    sheets = {member.position: member.path for member in others if names.suffix(member.path) in _SUFFIXES}
    if not sheets:
        return
    for position, content in archive.read(sheets, limit=limits.table_bytes):
        table = _table(sheets[position], content, finder, limits=limits, findings=findings)
        if table is None:
            findings.ignore(sheets[position], "table_ignored", "its columns name no images and labels")
        else:
            yield table


def _table(path: str, content: bytes, finder: Finder, *, limits: Limits, findings: Findings) -> Table | None:
    rows = _rows(path, content, limits=limits, findings=findings)
    if len(rows) < 1:
        return None
    folder = path.rpartition("/")[0]
    header = [cell.strip().lower() for cell in rows[0]]
    whole = names.split_named(names.stem(path).split("_")[0])  # train.csv, train_labels.csv
    if finder.find(rows[0][0], folder) is not None and len(rows[0]) >= 2:
        return Table(path, rows, name=0, label=1, split=None, whole=whole)
    name, label, split = (_first(header, known) for known in (NAME_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS))
    if len(header) == 2 and (name is None or label is None) and any(_names_image(row, finder, folder) for row in rows):
        name, label = 0, 1
    if name is None or label is None or name == label:
        return None
    return Table(path, rows[1:], name=name, label=label, split=split, whole=whole)


def _rows(path: str, content: bytes, *, limits: Limits, findings: Findings) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.add("warning", "table_not_utf8", "the table is not UTF-8 and was read as Latin-1", path=path)
        text = content.decode("latin-1")
    head = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(rows) > limits.entries:
                raise Refused("too_many_entries", f"the table has more than {limits.entries:,} rows", "Split it.")
            if row:
                rows.append(row)
    except csv.Error as error:
        findings.add("warning", "table_damaged", f"the table cannot be read on: {error}", path=path)
    return rows


def _first(header: list[str], known: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in known if name in header), None)


def _names_image(row: list[str], finder: Finder, folder: str) -> bool:
    return finder.find(row[0], folder) is not None


def _take_rows(table: Table, finder: Finder, labelled: dict[int, Labelled], findings: Findings) -> None:
    folder = table.path.rpartition("/")[0]
    for number, row in enumerate(table.rows, start=1):
        shown = f"{table.path} row {number}"
        cells = dict(enumerate(row))
        member = finder.find(cells.get(table.name, ""), folder)
        label = names.class_name(cells.get(table.label, ""))
        if member is None:
            message = f"no single image is called {names.printable(cells.get(table.name, ''))[:200]!r}"
            findings.add("warning", "image_missing", message, path=shown, fix="Add the image, or give its whole path.")
        elif label is None:
            findings.add("warning", "label_missing", "the row names no class", path=shown)
        elif member.position in labelled:
            _tell_twice(member, label, labelled[member.position].label, findings)
        else:
            split = _row_split(table, cells, shown, findings)
            labelled[member.position] = Labelled(member, label, split)


def _row_split(table: Table, cells: dict[int, str], shown: str, findings: Findings) -> Split | None:
    if table.split is None:
        return table.whole
    value = cells.get(table.split, "").strip()
    split = names.split_named(value)
    if split is None and value:
        message = f"{names.printable(value)[:50]!r} is no split; the row counts as training"
        findings.add("warning", "split_unknown", message, path=shown, fix="Use train, val or test.")
    return split


def _tell_twice(member: Member, label: str, first: str, findings: Findings) -> None:
    if label == first:
        findings.add("info", "listed_twice", "the table names the image twice", path=member.path)
        return
    message = f"the table calls the image both {first!r} and {label!r}; the first counts"
    findings.add("warning", "conflicting_labels", message, path=member.path, fix="Keep one label per image.")
