"""Tables with one column for each class, 1 where the image shows it: as Roboflow's `_classes.csv`, HAM10000.

A row of one 1 is a label. Rows of several are images of several classes, which are told and not guessed at.
"""

from collections.abc import Iterator

from contract.pack.manifest import Split
from ingest import names
from ingest.layouts.sheets import Sheet
from ingest.layouts.stated import Row, Stated
from ingest.layouts.tables import NAME_COLUMNS, SPLIT_COLUMNS

_VALUES = {"0": False, "0.0": False, "": False, "false": False, "1": True, "1.0": True, "true": True}
_NO_CLASS = {"unlabeled", "unlabelled", "none"}


def read_one_hot(sheet: Sheet) -> Stated | None:
    """None for a table whose columns are anything else than an image, classes and perhaps a split."""
    header = sheet.header
    name = next((at for at, cell in enumerate(header) if cell in NAME_COLUMNS), None)
    split = next((at for at, cell in enumerate(header) if cell in SPLIT_COLUMNS), None)
    classes = [at for at in range(len(header)) if at not in {name, split} and header[at]]
    if name is None or len(classes) < 2 or len(sheet.probed) < 2:
        return None
    marked = False
    for row in sheet.rows(1):
        values = [_VALUES.get(row[at].strip().lower()) if at < len(row) else None for at in classes]
        if None in values:
            return None
        marked |= any(values)
    return Stated(sheet.path, "one_hot", _rows(sheet, name, split, classes)) if marked else None


def _rows(sheet: Sheet, name: int, split: int | None, classes: list[int]) -> Iterator[Row]:
    called = {at: names.class_name(sheet.probed[0][at]) for at in classes}
    whole: Split | None = names.split_of_file(sheet.path)
    for number, row in enumerate(sheet.rows(1), start=1):
        shown = [label for at in classes if _VALUES[row[at].strip().lower()] and (label := called[at])]
        labels = tuple(label for label in shown if label.lower() not in _NO_CLASS)
        stated = names.split_named(row[split]) if split is not None and split < len(row) else None
        yield Row(number, row[name] if name < len(row) else "", labels, whole if stated is None else stated)
