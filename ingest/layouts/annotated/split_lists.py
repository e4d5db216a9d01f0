"""Lists of pictures, one for each split: Pascal VOC's ImageSets, or text files that data.yaml or names call so."""

from collections import Counter
from dataclasses import dataclass, field

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts.finder import Finder
from ingest.limits import Limits

_ALL = {"trainval", "default", "all"}  # CVAT names a set without splits `default`


@dataclass
class SplitLists:
    """Empty where the archive has none: then every image counts and its folder says the split."""

    paths: set[str] = field(default_factory=set)
    closed: bool = False  # what is on no list is no part of the set
    splits: dict[int, Split | None] = field(default_factory=dict)  # by the image's position
    missing: Counter[str] = field(default_factory=Counter)  # names that lead to no image, or to several
    twice: list[str] = field(default_factory=list)  # images that are on the lists of two splits
    unlisted: int = 0

    def listed(self, images: list[Member]) -> list[Member]:
        """The images that count."""
        if not self.closed:
            return images
        kept = [member for member in images if member.position in self.splits]
        self.unlisted = len(images) - len(kept)
        return kept

    def split(self, position: int) -> Split | None:
        return self.splits.get(position)

    def tell(self, findings: Findings) -> None:
        """Once for each kind of thing that the lists say and the archive does not hold."""
        if self.paths and self.splits:
            counted = Counter(split.name.lower() for split in self.splits.values() if split is not None)
            shown = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
            message = f"The lists {', '.join(sorted(self.paths)[:3])} say the splits: {shown or 'none'}."
            findings.add("info", "splits_listed", message)
        if self.unlisted:
            message = f"{self.unlisted} images are on no list of a split and were left out."
            findings.add("info", "image_not_listed", message)
        if self.missing:
            name = next(iter(self.missing))
            message = f"The split lists name {len(self.missing)} images that are not there, or twice: {name!r}."
            fix = "Add the images, give their whole paths, or take them off the lists."
            findings.add("warning", "image_missing", message, fix=fix)
        if self.twice:
            message = f"{len(self.twice)} images are on the lists of two splits; the more held-out split was taken."
            findings.add("warning", "split_contested", message, path=self.twice[0], fix="List each image once.")


NO_LISTS = SplitLists()


def read_image_sets(
    archive: Archive, others: list[Member], images: list[Member], kind: str, limits: Limits
) -> SplitLists:
    """Pascal VOC's, of one kind: `segmentation`, or `main` for boxes."""
    files = {member: _split_of(member.path) for member in others if _is_set(member.path, kind)}
    lists = read_lists(archive, files, images, limits)
    lists.closed = bool(lists.splits)
    whole = "trainval" in {names.stem(path).lower() for path in lists.paths}
    if whole and any(split is not None for split in lists.splits.values()):
        lists.splits = {at: Split.TRAIN if split is None else split for at, split in lists.splits.items()}
    return lists


def read_named_lists(archive: Archive, others: list[Member], images: list[Member], limits: Limits) -> SplitLists:
    """`train.txt`, `val.txt` and `test.txt`, wherever they stand, if every line that is looked at names an image."""
    files: dict[Member, Split | None] = {
        member: split
        for member in others
        if names.suffix(member.path) in {"txt", "lst"} and (split := _split_of(member.path)) is not None
    }
    lists = read_lists(archive, files, images, limits)
    known = len(lists.splits)
    return lists if known and known >= len(lists.missing) else SplitLists()


def read_lists(archive: Archive, files: dict[Member, Split | None], images: list[Member], limits: Limits) -> SplitLists:
    """Files of image names, one a line, by the split that they stand for."""
    lists = SplitLists()
    by_position = {member.position: (member.path, split) for member, split in files.items()}
    finder = Finder(images) if files else None
    for position, content in archive.read(by_position, limit=limits.annotations_bytes) if files else ():
        path, split = by_position[position]
        lists.paths.add(path)
        for line in content.decode("utf-8-sig", "replace").splitlines():
            if finder is not None and line.strip():
                _take(line.strip(), path, split, finder, lists)
    return lists


def _take(line: str, path: str, split: Split | None, finder: Finder, lists: SplitLists) -> None:
    folder = path.rpartition("/")[0]
    member = finder.find(line, folder)
    if member is None and len(words := line.split()) > 1:
        member = finder.find(words[0], folder)  # `name 1`, or `image mask`
    if member is None:
        lists.missing[names.printable(line)[:200]] += 1
        return
    before = lists.splits.get(member.position)
    if before is not None and split is not None and before != split:
        lists.twice.append(member.path)
    known = [each for each in (before, split) if each is not None]
    lists.splits[member.position] = max(known) if known else None


def _split_of(path: str) -> Split | None:
    stem = names.stem(path)
    return None if stem.lower() in _ALL else names.split_named(stem)


def _is_set(path: str, kind: str) -> bool:
    parts = [part.lower() for part in path.split("/")]
    stem = names.stem(path).lower()
    known = names.split_named(stem) is not None or stem in _ALL
    return len(parts) >= 3 and parts[-3] == "imagesets" and parts[-2] == kind and names.suffix(path) == "txt" and known
