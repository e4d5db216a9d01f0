"""Lists in text files: `path label` a line (ImageNet, `val_annotations.txt`), or bare paths that are a split's images.

`train.txt`, `val.txt` and `test.txt` of bare paths say the splits; what the images are is said elsewhere.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from contract.pack.manifest import Split
from ingest import names
from ingest.layouts.finder import Finder
from ingest.layouts.stated import Row, Stated

_PROBED = 50
_MOST = 0.5  # of the probed lines name an image


class SplitList(NamedTuple):
    path: str
    split: Split
    names: list[str]


def read_list(path: str, text: str, finder: Finder) -> Stated | None:
    """Lines of an image and its class; further values, as the boxes of Tiny ImageNet, are not read."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    folder = path.rpartition("/")[0]
    probed = [_cells(line) for line in lines[:_PROBED]]
    sound = [cells for cells in probed if len(cells) >= 2 and finder.look(cells[0], folder).member]
    if not sound or len(sound) < _MOST * len(probed):
        return None
    return Stated(path, "list", _rows(path, lines))


def read_split_list(path: str, text: str, finder: Finder) -> SplitList | None:
    """A list of a split's images, named after the split."""
    stem = names.stem(path)
    split = names.split_of_folder(stem) or names.split_named(re.split(r"[_\-. ]", stem)[0])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if split is None or not lines:
        return None
    folder = path.rpartition("/")[0]
    found = sum(finder.look(line, folder).member is not None for line in lines[:_PROBED])
    return SplitList(path, split, lines) if found >= _MOST * len(lines[:_PROBED]) else None


def _rows(path: str, lines: list[str]) -> Iterator[Row]:
    stem = names.stem(path)
    split = names.split_of_folder(stem) or names.split_named(re.split(r"[_\-. ]", stem)[0]) or names.split_in(path)
    for number, line in enumerate(lines, start=1):
        cells = _cells(line)
        label = names.class_name(cells[1]) if len(cells) > 1 else None
        yield Row(number, cells[0], (label,) if label else (), split)


def _cells(line: str) -> list[str]:
    """By tabs, commas or semicolons where there are some, else by spaces; a path may hold spaces, a number may not."""
    for mark in ("\t", ",", ";"):
        if mark in line:
            return [cell.strip() for cell in line.split(mark)]
    if found := re.fullmatch(r"\s*(.+\.(?:\w{2,5}))\s+(\S.*?)\s*", line):
        return [found[1], found[2]]
    return line.split()
