"""Tables with one column for each class, 1 where the image shows it: as Roboflow's `_classes.csv`, HAM10000.

A row of one 1 is a label. Rows of several are images of several classes, which are told and not guessed at.
"""

from collections.abc import Iterator

from contract.pack.manifest import Split
from ingest import names
from ingest.findings import Findings
from ingest.layouts import split_columns
from ingest.layouts.sheets import Sheet
from ingest.layouts.split_columns import FLAGS, FOLDS, SPLIT_COLUMNS, SplitColumn
from ingest.layouts.stated import Row, Stated
from ingest.layouts.tables import NAME_COLUMNS

_VALUES = {"0": False, "0.0": False, "": False, "false": False, "1": True, "1.0": True, "true": True}
_NO_CLASS = {"unlabeled", "unlabelled", "none"}


def read_one_hot(sheet: Sheet, findings: Findings) -> Stated | None:
    """None for a table whose columns are anything else than an image, classes and perhaps a split."""
    header = sheet.header
    name = next((at for at, cell in enumerate(header) if cell in NAME_COLUMNS), None)
    said = {at for at, cell in enumerate(header) if cell in {*SPLIT_COLUMNS, *FLAGS, *FOLDS}}
    classes = [at for at in range(len(header)) if at != name and at not in said and header[at]]
    if name is None or len(classes) < 2 or len(sheet.probed) < 2:
        return None
    marked = False
    for row in sheet.rows(1):
        values = [_VALUES.get(row[at].strip().lower()) if at < len(row) else None for at in classes]
        if None in values:
            return None
        marked |= any(values)
    if not marked:
        return None
    splits = split_columns.find(sheet, findings, {name})
    return Stated(sheet.path, "one_hot", _rows(sheet, name, splits, classes))


def _rows(sheet: Sheet, name: int, splits: SplitColumn, classes: list[int]) -> Iterator[Row]:
    called = {at: names.class_name(sheet.probed[0][at]) for at in classes}
    whole: Split | None = names.split_of_file(sheet.path)
    for number, row in enumerate(sheet.rows(1), start=1):
        shown = [label for at in classes if _VALUES[row[at].strip().lower()] and (label := called[at])]
        labels = tuple(label for label in shown if label.lower() not in _NO_CLASS)
        stated, unknown = splits.read(row, whole)
        yield Row(number, row[name] if name < len(row) else "", labels, stated, unknown)
