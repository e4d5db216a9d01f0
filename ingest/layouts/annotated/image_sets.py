"""Pascal VOC's ImageSets: text files of image names, one for each split."""

from dataclasses import dataclass

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.limits import Limits

_ALL = {"trainval", "default"}  # CVAT names a set without splits `default`


@dataclass(frozen=True)
class ImageSets:
    """Empty where the archive has none: then every image counts and its folder says the split."""

    splits: dict[str, Split | None]  # by the image's stem
    paths: set[str]

    def __contains__(self, stem: str) -> bool:
        return not self.paths or stem in self.splits

    def split(self, path: str) -> Split | None:
        return self.splits.get(names.stem(path)) if self.paths else names.split_in(path)


def read_image_sets(archive: Archive, others: list[Member], kinds: set[str], limits: Limits) -> ImageSets:
    """Those of one kind: Segmentation, or Main for boxes. Names that are in several splits count for the strictest."""
    files = {member.position: member.path for member in others if _is_set(member.path, kinds)}
    splits: dict[str, Split | None] = {}
    for position, content in archive.read(files, limit=limits.annotations_bytes) if files else ():
        split = names.split_named(names.stem(files[position]))
        for line in content.decode("utf-8", "replace").splitlines():
            if words := line.split():
                stem = _stem(names.printable(words[0]))
                before = splits.get(stem)
                splits[stem] = split if before is None else before if split is None else max(before, split)
    if "trainval" in {names.stem(path).lower() for path in files.values()} and any(splits.values()):
        splits = {stem: Split.TRAIN if split is None else split for stem, split in splits.items()}
    return ImageSets(splits, set(files.values()))


def _stem(name: str) -> str:
    """Of a bare name, or of an image's path as some tools write it."""
    return names.stem(name) if names.is_image(name) else name.rsplit("/", 1)[-1]


def _is_set(path: str, kinds: set[str]) -> bool:
    parts = [part.lower() for part in path.split("/")]
    stem = names.stem(path).lower()
    known = names.split_named(stem) is not None or stem in _ALL
    return len(parts) >= 3 and parts[-3] == "imagesets" and parts[-2] in kinds and names.suffix(path) == "txt" and known
