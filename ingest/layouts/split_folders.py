"""Folders that stand for splits. What counts is the folder among its neighbours: `seg_train` beside `seg_test`.

A lone `train` may be a class of vehicles and `test-drive` a street; both are plain folders here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.pack.manifest import Split
from ingest import names

Parts = tuple[str, ...]


@dataclass(frozen=True)
class SplitFolders:
    splits: dict[Parts, Split] = field(default_factory=dict)  # by the folder's whole path
    beside: set[Parts] = field(default_factory=set)  # folders next to them that are no splits

    def of(self, folder: Parts) -> Split | None:
        """The split of a folder, the innermost first."""
        for length in range(len(folder), 0, -1):
            if (split := self.splits.get(folder[:length])) is not None:
                return split
        return None


def find_splits(folders: Iterable[Parts]) -> SplitFolders:
    """The split folders among all folders that hold images."""
    neighbours: dict[Parts, set[str]] = {}
    for folder in folders:
        for length in range(len(folder)):
            neighbours.setdefault(folder[:length], set()).add(folder[length])
    found = SplitFolders()
    for parent, children in neighbours.items():
        group = _group(children)
        found.splits.update({(*parent, name): split for name, split in group.items()})
        found.beside.update((*parent, name) for name in children - group.keys() if group)
    return found


def _group(children: set[str]) -> dict[str, Split]:
    """The neighbours that are splits: train with a held-out one, and the same words beside both."""
    by_rest: dict[str, dict[str, Split]] = {}
    for name in children:
        split, rest = names.split_and_rest(name)
        if split is not None:
            by_rest.setdefault(rest, {})[name] = split
    plain = by_rest.pop("", {})
    for decorated in by_rest.values():
        if _is_whole(decorated):
            return plain | decorated
    return plain if _is_whole(plain) else {}


def _is_whole(group: dict[str, Split]) -> bool:
    splits = set(group.values())
    return Split.TRAIN in splits and len(splits) > 1
