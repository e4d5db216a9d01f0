"""Lists that call images by number, as CUB-200 and NABirds do.

`images.txt` has `id path` a line, `train_test_split.txt` `id 0` or `id 1`, where 1 is training.
"""

from array import array
from itertools import islice
from typing import NamedTuple

from contract.pack.manifest import Split
from ingest import names
from ingest.layouts.finder import Finder
from ingest.layouts.lists import SplitList
from ingest.layouts.sheets import lines_of

_PROBED = 20
_LONGEST = 16 << 20


class Numbering(NamedTuple):
    positions: dict[str, int]  # by the id


class Flags(NamedTuple):
    path: str
    training: dict[str, bool]  # by the id


def read_numbering(path: str, text: str, finder: Finder) -> Numbering | None:
    """None for lines that are anything else than an id and an image of the archive."""
    if len(text) > _LONGEST:
        return None
    folder = path.rpartition("/")[0]

    def position(name: str) -> int | None:
        member = finder.look(name, folder).member
        return None if member is None else member.position

    probed = [line.split(maxsplit=1) for line in islice(lines_of(text), _PROBED)]
    if not probed or not all(len(cells) == 2 and names.is_image(cells[1].strip()) for cells in probed):
        return None
    if not any(position(cells[1].strip()) is not None for cells in probed):
        return None
    pairs = (line.split(maxsplit=1) for line in lines_of(text))
    found = {cells[0]: position(cells[1].strip()) for cells in pairs if len(cells) == 2}
    return Numbering({number: at for number, at in found.items() if at is not None})


def read_flags(path: str, text: str) -> Flags | None:
    """None for a file that is not called after training and test, or holds anything else than ids and 0 or 1."""
    stem = names.stem(path).lower()
    if "train" not in stem or "test" not in stem or len(text) > _LONGEST:
        return None
    pairs = [line.split() for line in lines_of(text)]
    if not pairs or not all(len(cells) == 2 and cells[1] in {"0", "1"} for cells in pairs):
        return None
    return Flags(path, {cells[0]: cells[1] == "1" for cells in pairs})


def split_lists(numbering: Numbering | None, flags: Flags | None) -> list[SplitList]:
    """The splits that both say together."""
    if numbering is None or flags is None:
        return []
    lists = {split: SplitList(flags.path, split, array("q"), 0, "") for split in (Split.TRAIN, Split.TEST)}
    for number, training in flags.training.items():
        if number in numbering.positions:
            lists[Split.TRAIN if training else Split.TEST].positions.append(numbering.positions[number])
    return [each for each in lists.values() if each.positions]
