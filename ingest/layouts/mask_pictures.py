"""Pictures that are the masks of others, in an archive that is read for classes: they are no images of a class."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from ingest import names
from ingest.annotations.mask_images import open_mask
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts.finder import IMAGE_FOLDERS
from ingest.layouts.mask_names import numbered
from ingest.limits import Limits
from ingest.notes import Unusable

_MASK_FOLDERS = frozenset(
    {"annotations", "annotation", "trimaps", "masks", "ground_truth", "groundtruth", "gt", "segmentations"}
)
_NAMED = re.compile(r"[\s_.-](?:masks?|segmentation|seg|ground_?truth|gt)$", re.IGNORECASE)
_LOOKED_AT = 8  # pairs, by their content
_AGREE = 0.75  # of these pairs
_DRAWN = 32  # colours that a mask has at most; a photograph has more
_FLAT = 0.95  # of the pixels of a gray mask with blurred edges, in its two commonest values
_SOME = 0.25  # of the images, in pairs of one stem

Pair = tuple[Member, Member]


def without_masks(archive: Archive, images: list[Member], limits: Limits, findings: Findings) -> list[Member]:
    """The images without those that folders, names or their own content show to be masks of others."""
    masks = _in_folders(images) or _by_name(images) or _beside(archive, images, limits)
    if not masks:
        return images
    message = f"{len(masks)} pictures have the name of another one and were taken for its mask, so they are not used."
    findings.ignored += len(masks)
    fix = "To train on masks, push with `--task segmentation`. If they are images of their classes, rename them."
    findings.add("warning", "masks_left_out", message, path=masks[0].path, fix=fix)
    positions = {member.position for member in masks}
    return [member for member in images if member.position not in positions]


def side_by_side(images: Iterable[Member]) -> list[Pair]:
    """Two pictures of one folder and stem: `7.jpg` with `7.png`."""
    by_stem: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for member in images:
        by_stem[member.path.rpartition("/")[0], names.stem(member.path)].append(member)
    return [(found[0], found[1]) for found in by_stem.values() if len(found) == 2]


def drawn_suffix(archive: Archive, pairs: list[Pair], limits: Limits) -> str | None:
    """The suffix of those that are drawn in few colours beside a photograph, in nearly every pair looked at."""
    looked_at = pairs[:: max(1, len(pairs) // _LOOKED_AT)]
    wanted = {member.position: member for pair in looked_at for member in pair}
    drawn = {
        wanted[position]
        for position, content in archive.read(wanted, limit=limits.entry_bytes)
        if _is_drawn(content, limits)
    }
    kinds = Counter(tuple(names.suffix(member.path) for member in pair if member in drawn) for pair in looked_at)
    only, count = kinds.most_common(1)[0]
    return only[0] if len(only) == 1 and count >= _AGREE * len(looked_at) else None


def _in_folders(images: list[Member]) -> list[Member]:
    """Those in a folder of annotations that else have the paths of other pictures."""
    aside = [member for member in images if _MASK_FOLDERS & set(member.path.lower().split("/")[:-1])]
    positions = {member.position for member in aside}
    others = {_bare(member.path, IMAGE_FOLDERS) for member in images if member.position not in positions}
    masks = [member for member in aside if _bare(member.path, _MASK_FOLDERS) in others]
    return masks if 2 * len(masks) >= len(aside) else []


def _by_name(images: list[Member]) -> list[Member]:
    """`7_mask.png` and `7_mask_1.png` beside `7.png`."""
    stems = {(member.path.rpartition("/")[0], names.stem(member.path)) for member in images}
    named = [(member, _picture_of(member.path)) for member in images]
    called = [(member, bare) for member, bare in named if bare != names.stem(member.path)]
    masks = [member for member, bare in called if (member.path.rpartition("/")[0], bare) in stems]
    return masks if 2 * len(masks) > len(called) else []


def _picture_of(path: str) -> str:
    """The stem of the picture that a mask's name gives; of any other name, the stem itself."""
    found = numbered(path)
    return (found and found.picture) or _NAMED.sub("", names.stem(path))


def _beside(archive: Archive, images: list[Member], limits: Limits) -> list[Member]:
    """`7.png` beside `7.jpg`, if what it shows is drawn."""
    pairs = side_by_side(images)
    if 2 * len(pairs) < _SOME * len(images) or not pairs:
        return []
    suffix = drawn_suffix(archive, pairs, limits)
    return [member for pair in pairs for member in pair if names.suffix(member.path) == suffix]


def _is_drawn(content: bytes, limits: Limits) -> bool:
    try:
        with open_mask(content, limits) as raw:
            if raw.image.getcolors(_DRAWN) is not None:
                return True
            counts = sorted(raw.image.histogram())
            return raw.kind == "gray" and sum(counts[-2:]) >= _FLAT * sum(counts)
    except Unusable:
        return False


def _bare(path: str, words: frozenset[str]) -> tuple[str, ...]:
    """The path without suffix and without folders of these names."""
    return (*(part for part in path.split("/")[:-1] if part.lower() not in words), names.stem(path))
