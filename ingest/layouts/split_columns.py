"""The column of a table that says the splits: by words, by 0, 1 and 2, or as a flag such as `is_train`."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice

from contract.pack.manifest import Split
from ingest import names
from ingest.findings import Findings
from ingest.layouts.sheets import Sheet

SPLIT_COLUMNS = ("split", "set", "subset", "partition", "dataset", "data_set", "fold_name")
FLAGS: dict[str, tuple[Split, Split]] = {
    "is_train": (Split.TRAIN, Split.TEST),
    "is_training": (Split.TRAIN, Split.TEST),
    "is_training_img": (Split.TRAIN, Split.TEST),
    "train": (Split.TRAIN, Split.TEST),
    "is_test": (Split.TEST, Split.TRAIN),
    "test": (Split.TEST, Split.TRAIN),
    "is_val": (Split.VAL, Split.TRAIN),
    "is_valid": (Split.VAL, Split.TRAIN),
    "is_validation": (Split.VAL, Split.TRAIN),
}  # by its name, what 1 and 0 stand for
FOLDS = frozenset({"fold", "folds", "kfold", "k_fold", "fold_id", "cv_fold"})
_TRUE, _FALSE = {"1", "true", "1.0", "yes"}, {"0", "false", "0.0", "no"}
_NUMBERED = {"0": Split.TRAIN, "1": Split.VAL, "2": Split.TEST}
_PROBED = 100_000
_FIX = "If that is wrong, write train, val and test into the column."


@dataclass(frozen=True)
class SplitColumn:
    at: int | None = None
    meaning: dict[str, Split] = field(default_factory=dict)  # by the cell in lower case; empty: by their words
    silent: bool = False  # it has no words and says nothing

    def read(self, row: list[str], whole: Split | None = None) -> tuple[Split | None, str]:
        """The split of a row, and what it says instead where that is none. `whole`: of a row that says nothing."""
        value = row[self.at].strip() if self.at is not None and self.at < len(row) else ""
        if not value or self.silent:
            return whole, ""
        found = self.meaning.get(value.lower()) if self.meaning else names.split_named(value)
        return found, "" if found is not None else value


def find(sheet: Sheet, findings: Findings, besides: Collection[int | None]) -> SplitColumn:
    """`besides`: columns that are something else. Says how it was read where words do not."""
    header = sheet.header
    for name in (*SPLIT_COLUMNS, *FLAGS, *sorted(FOLDS)):
        at = header.index(name) if name in header else None
        if at is None or at in besides:
            continue
        counts = _values(sheet, at)
        if name in FLAGS:
            if counts.keys() <= _TRUE | _FALSE:
                return _flag(sheet, at, name, findings)
        elif counts and all(value.isdigit() for value in counts):
            return _numbered(sheet, at, counts, findings)
        elif name not in FOLDS:
            return SplitColumn(at)
    return SplitColumn()


def _values(sheet: Sheet, at: int) -> Counter[str]:
    cells = (row[at].strip().lower() for row in islice(sheet.rows(1), _PROBED) if at < len(row))
    return Counter(cell for cell in cells if cell)


def _flag(sheet: Sheet, at: int, name: str, findings: Findings) -> SplitColumn:
    yes, no = FLAGS[name]
    message = f"The column {name!r} was read as the split: 1 is {yes.name.lower()}, 0 is {no.name.lower()}."
    findings.add("warning", "split_column", message, path=sheet.path, fix=_FIX)
    return SplitColumn(at, dict.fromkeys(_TRUE, yes) | dict.fromkeys(_FALSE, no))


def _numbered(sheet: Sheet, at: int, counts: Counter[str], findings: Findings) -> SplitColumn:
    """0, 1 and 2 are train, val and test where 0 is the commonest, as in CelebA; other numbers are folds."""
    name = sheet.header[at]
    if name not in FOLDS and counts.keys() == _NUMBERED.keys() and counts["0"] > max(counts["1"], counts["2"]):
        shown = ", ".join(f"{value} is {split.name.lower()} ({counts[value]})" for value, split in _NUMBERED.items())
        message = f"The column {name!r} was read as the split: {shown}."
        findings.add("warning", "split_column", message, path=sheet.path, fix=_FIX)
        return SplitColumn(at, _NUMBERED)
    shown = ", ".join(sorted(counts, key=int)[:8])
    message = f"The column {name!r} holds the numbers {shown}, which name no splits, and was not used."
    fix = "Write train, val and test into a column `split`."
    findings.add("warning", "split_column_unused", message, path=sheet.path, fix=fix)
    return SplitColumn(at, silent=True)
