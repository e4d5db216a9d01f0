"""At which folders of a tree the classes begin, judged by the whole tree: names that recur, counts, what stands beside.

Folders that say nothing of the class (wrappers, splits, one folder for each camera) are made transparent one after the
other, until the children of what is left are classes. Every choice that could have gone otherwise is a `Doubt`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from ingest.layouts.recurring import PIECE, kind_of
from ingest.layouts.split_folders import Parts, SplitFolders

MOST_PARTS = 32  # deeper folders count as the last of these
_MOST_OF = 0.8  # of the images below a folder
_SIDE = frozenset({
    "example", "examples", "sample", "samples", "preview", "previews", "demo", "figures", "figure", "docs", "doc",
    "assets", "screenshots", "screenshot", "readme", "pred", "prediction", "predictions", "predict", "results",
    "result", "output", "outputs", "unlabeled", "unlabelled", "extra", "images", "image", "img", "imgs", "thumbnails",
})  # fmt: skip


@dataclass(slots=True)
class Folder:
    """A folder, or several of different parents that mean the same."""

    images: int = 0  # directly in it
    total: int = 0
    inner: dict[str, "Folder"] = field(default_factory=dict)
    origins: set[Parts] = field(default_factory=set)


@dataclass(frozen=True)
class Doubt:
    """A second way to read the tree."""

    why: str
    other: list[str]  # the classes of the other reading
    depth: int  # at which they stand in the archive
    further: list[tuple[list[str], str]] = field(default_factory=list)  # more readings, and where their classes stand


@dataclass
class ClassFolders:
    labels: dict[Parts, str] = field(default_factory=dict)  # folder -> class
    side: dict[Parts, str] = field(default_factory=dict)  # folder -> why its images have no class
    nested: Counter[str] = field(default_factory=Counter)  # class -> images in folders within its folder
    doubts: list[Doubt] = field(default_factory=list)
    undecided: bool = False  # whether the folders left beside hold so many images that a person has to choose
    numbered: bool = False  # whether numbered names recur, so that a person has to choose

    def place(self, folder: Parts) -> Parts | None:
        """The class or side folder around a folder; None where it stands above all classes."""
        for length in range(1, len(folder) + 1):
            if folder[:length] in self.labels or folder[:length] in self.side:
                return folder[:length]
        return None


def find_classes(counts: dict[Parts, int], splits: SplitFolders) -> ClassFolders:
    """`counts`: folder -> images directly in it, for every folder that has some."""
    found = ClassFolders(side=dict.fromkeys(splits.beside, "beside the split folders"))
    inside = {folder: count for folder, count in counts.items() if found.place(folder) is None}
    transparent = set(splits.splits)
    _unwrap_splits(inside, transparent)
    while True:
        root = _tree(inside, transparent, found.side)
        more = _transparent_below(root, found)
        if not more:
            break
        transparent |= more
    _name_classes(root, found)
    return found


def _tree(counts: dict[Parts, int], transparent: set[Parts], side: dict[Parts, str]) -> Folder:
    root = Folder()
    for parts, count in counts.items():
        path = [root]
        for length in range(1, len(parts) + 1):
            prefix = parts[:length]
            if prefix in side:
                break
            if prefix in transparent:
                continue
            here = path[-1].inner.get(parts[length - 1])
            if here is None:
                here = path[-1].inner[parts[length - 1]] = Folder()
            here.origins.add(prefix)
            path.append(here)
        else:
            path[-1].images += count
            for folder in path:
                folder.total += count
    return root


def _unwrap_splits(counts: dict[Parts, int], transparent: set[Parts]) -> None:
    """`test_set/test_set/cats`: a folder that is alone in its split and holds folders only says nothing."""
    children: dict[Parts, set[str]] = {}
    for parts in counts:
        for length in range(len(parts)):
            children.setdefault(parts[:length], set()).add(parts[length])
    among_others = {name for split in transparent if len(names := children.get(split, set())) > 1 for name in names}
    waiting = list(transparent)
    while waiting:
        folder = waiting.pop()
        inner = children.get(folder, set())
        alone = len(inner) == 1 and not counts.get(folder) and not inner <= among_others
        only = (*folder, next(iter(inner))) if alone else None
        if only is not None and not counts.get(only) and only in children:
            transparent.add(only)
            waiting.append(only)
        elif only is not None and only[-1] == folder[-1]:
            transparent.add(only)


def _transparent_below(root: Folder, found: ClassFolders) -> set[Parts]:
    """Folders whose children are the classes, where the root's own children are not; none where they are."""
    inner = {name: folder for name, folder in root.inner.items() if folder.inner}
    containers = {name: folder for name, folder in inner.items() if not _is_cut_up(folder, name)}
    if len(root.inner) == 1:
        only = next(iter(root.inner.values()))
        wraps = only.inner and not only.images and (len(only.inner) > 1 or next(iter(only.inner.values())).inner)
        return only.origins if wraps else set()
    if len(inner) == 1 and len(next(iter(inner.values())).inner) > 1 and not next(iter(inner.values())).images:
        containers = containers or ({} if _all_pieces(next(iter(inner.values()))) else inner)
    if not containers:
        return set()
    beside = {name: folder for name, folder in root.inner.items() if name not in containers}
    if copies := {name: folder for name, folder in containers.items() if folder.inner.keys() == beside.keys()}:
        _doubt(found, "a folder beside them holds folders of the same names, and was taken for a copy", root.inner)
        return set().union(*(folder.origins for folder in copies.values()))
    side = {name for name in root.inner if name.lower() in _SIDE}
    held = sum(folder.total for name, folder in containers.items() if name not in side)
    total = sum(folder.total for folder in root.inner.values())
    enough = held >= _MOST_OF * total or (beside.keys() <= side and 2 * held >= total)
    many = sum(len(folder.inner) for folder in containers.values()) > 1 + 2 * len(beside)
    if (beside or side) and 2 * held >= total and (enough or many):
        found.undecided |= not enough
        return _leave_beside(root, {*beside, *side}, containers, found)
    if beside or len(containers) == 1:
        example = _unwrapped(max(containers.values(), key=lambda folder: folder.total))
        _doubt(found, "some of these folders hold folders themselves", example.inner)
        return set()
    return _of_containers(containers, found)


def _leave_beside(root: Folder, side: set[str], containers: dict[str, Folder], found: ClassFolders) -> set[Parts]:
    """The images are in folders within some of the folders; what stands beside those is left out."""
    for name in side:
        found.side.update(dict.fromkeys(root.inner[name].origins, "beside the folders that hold the classes"))
    _doubt(found, "they stand beside each other", root.inner)
    within = {name: folder for name, folder in containers.items() if name not in side}
    return set().union(*(folder.origins for folder in within.values())) if len(within) == 1 else {()}


def _of_containers(containers: dict[str, Folder], found: ClassFolders) -> set[Parts]:
    """All children hold folders: domains of the same classes, groups of different ones, or classes cut into pieces."""
    bare = {name: _unwrapped(folder) for name, folder in containers.items()}
    times = Counter(name for folder in bare.values() for name in folder.inner)
    recurring = sum(count > 1 for count in times.values()) >= 0.5 * len(times)
    numbered = all(re.fullmatch(r"[\d\s_.-]+", name) for name in times)
    sizes = sorted(inner.total for folder in bare.values() for inner in folder.inner.values())
    tiny = len(sizes) > 20 and sizes[len(sizes) // 2] < 3
    again = {name for name, count in times.items() if count > 1}
    kind = kind_of(containers, again if recurring else set(times)) if again else "classes"
    if kind != "domains" and ((recurring and numbered) or tiny):
        _doubt(found, "they hold folders that recur" if recurring else "they hold many small folders", times, bare)
        return set()
    if kind == "states" or (kind == "numbered" and recurring):
        found.numbered = kind == "numbered"
        _join(bare, containers, found)
    else:
        why = "these names recur in every one of them" if recurring else "they hold folders of different names"
        _doubt(found, why, containers)
        if recurring:
            _tell_joined(bare, found)
        else:
            _tell_groups_apart(bare, times, found)
    return set().union(*(_chain(folder) for folder in containers.values()))


def _join(bare: dict[str, Folder], containers: dict[str, Folder], found: ClassFolders) -> None:
    """`Apple/healthy` and `Corn/healthy`: classes of both names."""
    for group, folder in bare.items():
        for name, inner in folder.inner.items():
            found.labels.update(dict.fromkeys(inner.origins, f"{group}/{name}"))
    _doubt(found, "the same names stand in several of them", containers)
    names = sorted({name for folder in bare.values() for name in folder.inner})
    found.doubts[-1].further.append((names, str(_depth(bare))))


def _tell_joined(bare: dict[str, Folder], found: ClassFolders) -> None:
    """The reading in which each name of each folder is a class of its own."""
    joined = sorted(f"{group}/{name}" for group, folder in bare.items() for name in folder.inner)
    found.doubts[-1].further.append((joined, f"{found.doubts[-1].depth}-{_depth(bare)}"))


def _depth(bare: dict[str, Folder]) -> int:
    return max(len(origin) for folder in bare.values() for inner in folder.inner.values() for origin in inner.origins)


def _tell_groups_apart(bare: dict[str, Folder], times: Counter[str], found: ClassFolders) -> None:
    """`apple/other` and `pear/other` are two classes: such a folder is called by both names."""
    for group, folder in bare.items():
        for name, inner in folder.inner.items():
            if times[name] > 1 and not inner.inner:
                found.labels.update(dict.fromkeys(inner.origins, f"{group}/{name}"))


def _name_classes(root: Folder, found: ClassFolders) -> None:
    for name, folder in root.inner.items():
        for origin in folder.origins:
            found.labels.setdefault(origin, name)
        if folder.inner:
            found.nested[name] += folder.total - folder.images


def _is_cut_up(folder: Folder, name: str) -> bool:
    """Whether a folder is one class, though it holds folders: `cat/images`, `cat/session1`, loose images besides."""
    if 20 * folder.images >= folder.total:
        return True
    bare = _unwrapped(folder)
    return (
        not bare.inner
        or _all_pieces(bare)
        or _all_called_after(bare, name)
        or (len(bare.inner) == 1 and not next(iter(bare.inner.values())).inner)
    )


def _all_pieces(folder: Folder) -> bool:
    """Pieces by their words. Bare numbers may be classes, `0` to `9`, and are judged by whether they recur."""
    return all(PIECE.fullmatch(name) and not name.isdigit() for name in folder.inner)


def _all_called_after(folder: Folder, name: str) -> bool:
    """`mug/mug_1`, `mug/mug_2`: objects of one class."""
    start = re.escape(name.casefold())
    return len(folder.inner) > 1 and all(
        re.fullmatch(rf"{start}[\s_.-]*\d+", inner.casefold()) for inner in folder.inner
    )


def _unwrapped(folder: Folder) -> Folder:
    while len(folder.inner) == 1 and not folder.images and next(iter(folder.inner.values())).inner:
        folder = next(iter(folder.inner.values()))
    return folder


def _chain(folder: Folder) -> set[Parts]:
    """The folder and the wrappers within it."""
    found = set(folder.origins)
    while len(folder.inner) == 1 and not folder.images and next(iter(folder.inner.values())).inner:
        folder = next(iter(folder.inner.values()))
        found |= folder.origins
    return found


def _doubt(found: ClassFolders, why: str, other: "dict[str, Folder] | Counter[str]", bare: object = None) -> None:
    origins = _first_origins(other, bare)
    if len(other) > 1 and origins:
        found.doubts.append(Doubt(why, sorted(other), len(origins[0])))


def _first_origins(other: object, bare: object) -> list[Parts]:
    folders = other if bare is None else {k: v for f in bare.values() for k, v in f.inner.items()}  # type: ignore[attr-defined]
    return [min(folder.origins) for folder in folders.values() if folder.origins]  # type: ignore[attr-defined]
