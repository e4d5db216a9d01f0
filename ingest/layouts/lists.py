"""Lists in text files: `path label` a line (ImageNet, `val_annotations.txt`), or bare paths that are a split's images.

`train.txt`, `val.txt` and `test.txt` of bare paths say the splits; what the images are is said elsewhere.
"""

import re
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from contract.pack.manifest import Split
from ingest import names
from ingest.layouts.finder import Finder
from ingest.layouts.sheets import lines_of
from ingest.layouts.stated import Row, Stated

_PROBED = 50
_LONGEST_LINE = 4_096
_MOST = 0.5  # of the probed lines name an image


class SplitList(NamedTuple):
    """`positions` are those of the images; `missing` counts the lines that name none, `example` is the first."""

    path: str
    split: Split
    positions: "array[int]"
    missing: int
    example: str


def read_list(path: str, text: str, finder: Finder) -> Stated | None:
    """Lines of an image and its class; further values, as the boxes of Tiny ImageNet, are not read."""
    folder = path.rpartition("/")[0]
    probed = [_cells(line) for line in islice(_lines(text), _PROBED)]
    sound = [cells for cells in probed if len(cells) >= 2 and finder.look(cells[0], folder).member]
    if not sound or len(sound) < _MOST * len(probed) or are_boxes(sound) or _name_images(sound):
        return None
    most = max(len(cells) for cells in sound)
    unread = tuple(f"column {number}" for number in range(3, most + 1))
    return Stated(path, "list", _rows(path, text), unread=unread)


def _name_images(rows: list[list[str]]) -> bool:
    """Whether each image is followed by the name of a picture, its mask: no class."""
    return all(names.is_image(cells[1]) for cells in rows)


def are_boxes(rows: list[list[str]]) -> bool:
    """Whether each image is followed by four numbers: corners, no class."""
    return all(len(cells) == 5 and all(map(_is_number, cells[1:])) for cells in rows)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def read_split_list(path: str, text: str, finder: Finder, most: int) -> SplitList | None:
    """A list of a split's images, named after the split; of `most` of them."""
    split = names.split_of_file(path.rsplit("/", 1)[-1])
    if split is None:
        return None
    folder = path.rpartition("/")[0]
    probed = [finder.look(line.strip()[:_LONGEST_LINE], folder).member for line in islice(_lines(text), _PROBED)]
    if not probed or sum(member is not None for member in probed) < _MOST * len(probed):
        return None
    positions, missing, example = array("q"), 0, ""
    for line in islice(_lines(text), most):
        member = finder.look(line.strip()[:_LONGEST_LINE], folder).member
        if member is None:
            missing, example = missing + 1, example or line.strip()
        else:
            positions.append(member.position)
    return SplitList(path, split, positions, missing, example[:200])


def _rows(path: str, text: str) -> Iterator[Row]:
    split = names.split_of_file(path)
    for number, line in enumerate(_lines(text), start=1):
        cells = _cells(line)
        label = names.class_name(cells[1]) if len(cells) > 1 else None
        yield Row(number, cells[0], (label,) if label else (), split)


def _lines(text: str) -> Iterator[str]:
    return (line for line in lines_of(text) if line.strip() and not line.startswith("#"))


def _cells(line: str) -> list[str]:
    """By tabs, commas or semicolons where there are some, else by spaces; a path may hold spaces, a number may not."""
    line = line.strip()[:_LONGEST_LINE]
    for mark in ("\t", ",", ";"):
        if mark in line:
            return [cell.strip() for cell in line.split(mark)]
    if found := re.fullmatch(r"\s*(.+\.(?:\w{2,5}))\s+(\S.*?)\s*", line):
        return [found[1], *_of_rest(found[2].split())]
    words = line.split()
    return [*words[:1], *_of_rest(words[1:])]


def _of_rest(words: list[str]) -> list[str]:
    """What follows the image: numbers, a class with a box, or one class, `Cessna 172`."""
    box = len(words) == 5 and all(map(_is_number, words[1:]))
    return words if not words or box or all(map(_is_number, words)) else [" ".join(words)]
