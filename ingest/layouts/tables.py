"""Images with a CSV: rows name a file, a label and perhaps a split. Columns are found by name, or by what they hold."""

import re
from array import array
from collections.abc import Iterator
from itertools import islice

from contract.pack.manifest import Split
from ingest import names
from ingest.findings import Findings, Refused
from ingest.layouts import split_columns
from ingest.layouts.finder import Finder
from ingest.layouts.lists import SplitList
from ingest.layouts.sheets import Sheet, column_name
from ingest.layouts.split_columns import SPLIT_COLUMNS, SplitColumn
from ingest.layouts.stated import Row, Stated

NAME_COLUMNS = (
    "filename", "file_name", "file", "filepath", "file_path", "filepaths", "path", "image", "image_path", "image_name",
    "images", "img", "img_path", "img_name", "image_id", "id_code", "id", "name",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "class", "class_name", "label_name", "category", "category_name", "target", "labels", "y", "species",
    "classname", "labelname", "class_id", "classid", "class_index", "class_label", "label_id", "diagnosis", "dx",
)  # fmt: skip
_COLUMNS = 20
_FEW_CELLS = 8
_GROUP = re.compile(
    r"(patient|lesion|subject|person|individual|animal|group|case|scene|video|session|site)_?(id|no|nr)?"
)
_JUDGED = 100_000
_ALONE = 0.9  # of the rows: with more values nearly every row stands alone
_WHOLE = re.compile(r"\s*(-?\d+)\.0+\s*")
BOX_COLUMNS = frozenset({"xmin", "ymin", "xmax", "ymax", "x1", "y1", "x2", "y2", "bbox"})


def read_table(sheet: Sheet, finder: Finder, column: str | None, findings: Findings) -> Stated | None:
    """The table's rows; None where its columns name no images and labels. `column`: of the labels, where chosen."""
    if not sheet.probed or BOX_COLUMNS & set(sheet.header):
        return None
    header = sheet.header
    if column and column_name(column) not in header:
        message = f"`labels_from`: {sheet.path!r} has no column {column!r}."
        raise Refused("option_without_effect", message, f"Its columns are {', '.join(header[:20])}.")
    if column is None and (bare := _without_header(sheet, finder)) is not None:
        return bare
    name, split = (_first(header, known) for known in (NAME_COLUMNS, SPLIT_COLUMNS))
    label = header.index(column_name(column)) if column else _first(header, LABEL_COLUMNS)
    if len(header) == 2 and split is None and (name is None or label is None):
        named = [at for at in (0, 1) if any(_names_image(row, at, finder, sheet.folder) for row in sheet.probed)]
        if named:
            name, label = named[0], 1 - named[0]
    if name is None or label is None or name == label or (label == split and not column):
        return None
    chosen, columns = (label, "") if column else _chosen(sheet, label)
    if column is None and _are_measures(sheet, chosen):
        return None
    splits = split_columns.find(sheet, findings, {name, chosen})
    if splits.at is None or splits.silent:
        _tell_groups(sheet, {name, chosen}, findings)
    unread = [header[at] for at in range(len(header)) if at not in {name, label, chosen, splits.at} and header[at]]
    return Stated(sheet.path, "csv", _rows(sheet, 1, name, chosen, splits), columns, tuple(unread))


def measured(sheet: Sheet) -> str:
    """The column that would be the labels, if it did not hold measures; empty where it does not."""
    label = _first(sheet.header, LABEL_COLUMNS)
    return sheet.header[label] if label is not None and _are_measures(sheet, label) else ""


def _are_measures(sheet: Sheet, at: int) -> bool:
    """Whether a column holds numbers with fractions, nearly each another one: ages, prices, scores."""
    cells = [row[at].strip() for row in sheet.probed[1:] if at < len(row) and row[at].strip()]
    fractions = [cell for cell in cells if re.fullmatch(r"-?\d*\.\d*[1-9]\d*", cell)]
    return len(cells) >= _FEW_CELLS and len(fractions) > len(cells) // 2 < len(set(cells))


def _tell_groups(sheet: Sheet, besides: set[int], findings: Findings) -> None:
    """Say that several images are of one patient, lesion or scene, which splits that are made here do not know."""
    for at, name in enumerate(sheet.header):
        if at in besides or not _GROUP.fullmatch(name):
            continue
        cells = [row[at].strip() for row in islice(sheet.rows(1), _JUDGED) if at < len(row) and row[at].strip()]
        values = len(set(cells))
        if 1 < values < _ALONE * len(cells):
            message = (
                f"{len(cells)} rows share {values} values of the column {name!r}. Splits that are made here do not "
                "keep those of one value together, so figures may be better than on new ones."
            )
            fix = "Add a column `split` (train, val, test) in which each value is in one split."
            findings.add("warning", "groups_not_kept", message, path=sheet.path, fix=fix)
            return


def _without_header(sheet: Sheet, finder: Finder) -> Stated | None:
    """A table whose first row names an image already: first, or second of two."""
    first = sheet.probed[0]
    if len(first) < 2:
        return None
    if _names_image(first, 0, finder, sheet.folder):
        return Stated(sheet.path, "csv", _rows(sheet, 0, 0, 1, SplitColumn()))
    if len(first) == 2 and names.is_image(first[1].strip()) and _names_image(first, 1, finder, sheet.folder):
        return Stated(sheet.path, "csv", _rows(sheet, 0, 1, 0, SplitColumn()))
    return None


def read_splits(sheet: Sheet, finder: Finder, findings: Findings) -> list[SplitList]:
    """The splits of a table that names images and splits, and no classes; none of another table."""
    name = _first(sheet.header, NAME_COLUMNS)
    if name is None or not names_images(sheet, finder):
        return []
    splits = split_columns.find(sheet, findings, {name})
    if splits.at is None or splits.silent:
        return []
    found: dict[Split, SplitList] = {}
    for row in sheet.rows(1):
        stated = splits.read(row)[0]
        member = finder.find(row[name], sheet.folder) if name < len(row) else None
        if stated is not None and member is not None:
            found.setdefault(stated, SplitList(sheet.path, stated, array("q"), 0, "")).positions.append(member.position)
    return list(found.values())


def read_unlabelled(sheet: Sheet, finder: Finder) -> list[int]:
    """Positions of the images that a table of the test names and says nothing of: `test.csv` of Kaggle."""
    if len(sheet.header) != 1 or names.split_of_file(sheet.path) != Split.TEST:
        return []
    found = (finder.find(row[0], sheet.folder) for row in sheet.rows(1))
    return [member.position for member in found if member is not None]


def names_images(sheet: Sheet, finder: Finder) -> bool:
    """Whether a table names image files at all, be they there or not."""
    cells = [cell.strip() for row in sheet.probed[1:] for cell in row[:_COLUMNS]]
    return any(names.is_image(cell) or (cell and finder.find(cell, sheet.folder)) for cell in cells)


def _rows(sheet: Sheet, first: int, name: int, label: int, splits: SplitColumn) -> Iterator[Row]:
    whole = names.split_of_file(sheet.path) if splits.at is None or splits.silent else None
    cells = [row[label] for row in sheet.probed[first:] if label < len(row)]
    whole_numbers = bool(cells) and all(_WHOLE.fullmatch(cell) for cell in cells if cell.strip())
    for number, row in enumerate(sheet.rows(first), start=1):
        cell = row[label] if label < len(row) else ""
        if whole_numbers and (match := _WHOLE.fullmatch(cell)):
            cell = match[1]  # `3.0`, as pandas writes a number of a column with gaps
        stated = names.class_name(cell)
        found, unknown = splits.read(row, whole)
        yield Row(number, row[name] if name < len(row) else "", (stated,) if stated else (), found, unknown)


def _chosen(sheet: Sheet, label: int) -> tuple[int, str]:
    """The label column: one of words, where it says the same as one of numbers. Says what else there is."""
    header = sheet.header
    others = [at for at, name in enumerate(header) if name in LABEL_COLUMNS and at != label]
    told = ""
    for other in others:
        pairs = {(row[label], row[other]) for row in sheet.rows(1) if max(label, other) < len(row)}
        if len({two for _, two in pairs}) <= 1:
            continue
        same = len(pairs) == len({one for one, _ in pairs}) == len({two for _, two in pairs})
        if not same:
            told = f"the column {header[label]!r} was read; {header[other]!r} names classes too"
        elif _numeric([one for one, _ in pairs]) and not _numeric([two for _, two in pairs]):
            return other, told
    return label, told


def _numeric(values: list[str]) -> bool:
    return all(re.fullmatch(r"\s*-?\d+(\.0+)?\s*", value) for value in values)


def _first(header: list[str], known: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in known if name in header), None)


def _names_image(row: list[str], at: int, finder: Finder, folder: str) -> bool:
    return at < len(row) and finder.find(row[at], folder) is not None
