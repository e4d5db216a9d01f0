"""Images with a CSV: rows name a file, a label and perhaps a split. Columns are found by name, or by what they hold."""

import re
from array import array
from collections.abc import Iterator

from contract.pack.manifest import Split
from ingest import names
from ingest.findings import Refused
from ingest.layouts.finder import Finder
from ingest.layouts.lists import SplitList
from ingest.layouts.sheets import Sheet, column_name
from ingest.layouts.stated import Row, Stated

NAME_COLUMNS = (
    "filename", "file_name", "file", "filepath", "file_path", "filepaths", "path", "image", "image_path", "image_name",
    "images", "img", "img_path", "img_name", "image_id", "id_code", "id", "name",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "class", "class_name", "label_name", "category", "category_name", "target", "labels", "y", "species",
    "classname", "labelname", "class_id", "classid", "class_index", "class_label", "label_id", "diagnosis", "dx",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "dataset", "data_set", "fold_name")
_COLUMNS = 20
BOX_COLUMNS = frozenset({"xmin", "ymin", "xmax", "ymax", "x1", "y1", "x2", "y2", "bbox"})


def read_table(sheet: Sheet, finder: Finder, column: str | None) -> Stated | None:
    """The table's rows; None where its columns name no images and labels. `column`: of the labels, where chosen."""
    if not sheet.probed or BOX_COLUMNS & set(sheet.header):
        return None
    header = sheet.header
    if column and column_name(column) not in header:
        message = f"`labels_from`: {sheet.path!r} has no column {column!r}."
        raise Refused("option_without_effect", message, f"Its columns are {', '.join(header[:20])}.")
    whole = names.split_of_file(sheet.path)
    if column is None and len(header) >= 2 and _names_image(sheet.probed[0], 0, finder, sheet.folder):
        return Stated(sheet.path, "csv", _rows(sheet, 0, 0, 1, None, whole))
    name, split = (_first(header, known) for known in (NAME_COLUMNS, SPLIT_COLUMNS))
    label = header.index(column_name(column)) if column else _first(header, LABEL_COLUMNS)
    if len(header) == 2 and split is None and (name is None or label is None):
        named = [at for at in (0, 1) if any(_names_image(row, at, finder, sheet.folder) for row in sheet.probed)]
        if named:
            name, label = named[0], 1 - named[0]
    if name is None or label is None or name == label or (label == split and not column):
        return None
    chosen, columns = (label, "") if column else _chosen(sheet, label)
    return Stated(sheet.path, "csv", _rows(sheet, 1, name, chosen, split, whole), columns)


def read_splits(sheet: Sheet, finder: Finder) -> list[SplitList]:
    """The splits of a table that names images and splits, and no classes; none of another table."""
    name, split = (_first(sheet.header, known) for known in (NAME_COLUMNS, SPLIT_COLUMNS))
    if name is None or split is None:
        return []
    found: dict[Split, SplitList] = {}
    for row in sheet.rows(1):
        stated = names.split_named(row[split]) if split < len(row) else None
        member = finder.find(row[name], sheet.folder) if name < len(row) else None
        if stated is not None and member is not None:
            found.setdefault(stated, SplitList(sheet.path, stated, array("q"), 0, "")).positions.append(member.position)
    return list(found.values())


def names_images(sheet: Sheet, finder: Finder) -> bool:
    """Whether a table names image files at all, be they there or not."""
    cells = [cell.strip() for row in sheet.probed[1:] for cell in row[:_COLUMNS]]
    return any(names.is_image(cell) or (cell and finder.find(cell, sheet.folder)) for cell in cells)


def _rows(sheet: Sheet, first: int, name: int, label: int, split: int | None, whole: Split | None) -> Iterator[Row]:  # noqa: PLR0917 - columns
    for number, row in enumerate(sheet.rows(first), start=1):
        cells = dict(enumerate(row))
        stated = names.class_name(cells.get(label, ""))
        value = cells.get(split, "").strip() if split is not None else ""
        found = names.split_named(value) if value else None if split is not None else whole
        unknown = value if value and found is None else ""
        yield Row(number, cells.get(name, ""), (stated,) if stated else (), found, unknown)


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
