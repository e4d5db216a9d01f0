"""Which file goes with which picture: `images/train/7.jpg` with `masks/train/7.png` or `train/labels/7.txt`.

Four kinds of likeness, the closest first; what one of them pairs no later one touches. Two pictures that fit one file
equally well, or two files that fit one picture, are not paired at all: they are named instead.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest import names
from ingest.archives.members import Member
from ingest.layouts.mask_names import numbered

Key = tuple[str, ...]
Roles = frozenset[str]
IMAGE_ROLES: Roles = frozenset(
    {"images", "image", "imgs", "img", "jpegimages", "inputs", "input", "photos", "leftimg8bit", "pictures"}
)
MASK_ROLES: Roles = frozenset(
    {
        "masks", "mask", "labels", "label", "annotations", "annotation", "annot", "segmentation", "segmentations",
        "segmentationclass", "segmentationclassaug", "segmentationclassraw", "gt", "gts", "groundtruth", "truth",
        "manual", "msk", "msks", "gtfine", "gtcoarse", "matte", "mattes", "labelids",
    }
)  # fmt: skip
LABEL_ROLES: Roles = frozenset(
    {"labels", "label", "annotations", "annotation", "annot", "bboxes", "boxes", "ann", "anns", "xml", "xmls", "txt"}
)
_EVERY_ROLE = IMAGE_ROLES | MASK_ROLES | LABEL_ROLES | {"ground"}
_MASK_ENDING = re.compile(
    r"(?:(?:^|[_\s.-])(?:(?:gtfine|gtcoarse)_)?"
    r"(?:masks?|labels?|labelids|gt|seg|segmentation|annotation|annot|matte|groundtruth|ground_truth|manual\d?|"
    r"\d(?:st|nd|rd)_manual|l)(?:\d{0,1})|_1stHO)$",
    re.IGNORECASE,
)
_IMAGE_ENDING = re.compile(r"[_\s.-](?:image|img|rgb|sat|leftimg8bit|training|test|photo|input)$", re.IGNORECASE)
_SPLIT_WORDS = ("train", "training", "default", "val", "valid", "validation", "test", "testing", "dev")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


class Clash(NamedTuple):
    """Files that fit each other too well."""

    pictures: list[Member]
    files: list[Member]


@dataclass
class Pairs:
    found: dict[int, Member] = field(default_factory=dict)  # by the picture's position
    clashes: list[Clash] = field(default_factory=list)


def pair(pictures: Sequence[Member], files: Sequence[Member]) -> Pairs:
    """Files that belong to pictures by their names."""
    pairs = Pairs()
    left, rest = list(pictures), list(files)
    for likeness in (_beside, _strict, _loose, _folded):
        left, rest = _pair_by(likeness, left, rest, pairs)
    _pair_by_end(left, rest, pairs)
    return pairs


def role(path: str, roles: Roles, others: Roles) -> bool:
    """Whether the innermost folder that plays any of the roles plays one of the first kind."""
    for part in reversed(path.split("/")[:-1]):
        found = words(part)
        if found & roles:
            return True
        if found & others:
            return False
    return False


def words(part: str) -> set[str]:
    """The words of a name, lower case: also those of `PedMasks`, and `ground_truth` as one."""
    plain = [word for word in re.split(r"[\s_.-]+", part.lower()) if word]
    joined = {"groundtruth"} if "groundtruth" in "".join(plain) else set()
    glued = {word[len(split) :] for word in plain for split in _SPLIT_WORDS if word.startswith(split)} & _EVERY_ROLE
    return {*plain, *(word.lower() for word in _WORDS.findall(part)), *joined, *glued}


def is_named_mask(path: str) -> bool:
    """Whether a file carries the role in its own name: `7_mask.png`, `7_mask_1.png`."""
    return _MASK_ENDING.search(names.stem(path)) is not None or picture_of_numbered(path) is not None


def picture_of_numbered(path: str) -> str | None:
    """The stem of the picture that a numbered mask belongs to: `7` for `7_mask_1.png`."""
    found = numbered(path)
    return found.picture if found else None


def folder_key(member: Member) -> Key:
    """The folders around a file that do not say what is in them."""
    return _loose(member)[:-1]


def bare_stem(path: str) -> str:
    """The name without suffix and without the word for what it is: `7` for `7_mask.png` and `7_image.jpg`."""
    stem = names.stem(path)
    if names.is_image(stem):  # `7.jpg.png`
        stem = names.stem(stem)
    return _IMAGE_ENDING.sub("", _MASK_ENDING.sub("", stem)) or stem


def _pair_by(
    likeness: Callable[[Member], Key], pictures: list[Member], files: list[Member], pairs: Pairs
) -> tuple[list[Member], list[Member]]:
    """What is left of pictures and of files."""
    by_key: dict[Key, Clash] = {}
    for member in pictures:
        by_key.setdefault(likeness(member), Clash([], [])).pictures.append(member)
    for member in files:
        if found := by_key.get(likeness(member)):
            found.files.append(member)
    taken = set()
    for found in by_key.values():
        if not found.files:
            continue
        taken |= {member.position for member in (*found.pictures, *found.files)}
        if len(found.pictures) == len(found.files) == 1:
            pairs.found[found.pictures[0].position] = found.files[0]
        else:
            pairs.clashes.append(found)
    return [m for m in pictures if m.position not in taken], [m for m in files if m.position not in taken]


def _pair_by_end(pictures: list[Member], files: list[Member], pairs: Pairs) -> None:
    """Where the folders of one are wholly the end of the other's, and no other picture or file fits."""
    by_stem: dict[str, Clash] = {}
    for member in pictures:
        by_stem.setdefault(bare_stem(member.path), Clash([], [])).pictures.append(member)
    for member in files:
        if found := by_stem.get(bare_stem(member.path)):
            found.files.append(member)
    for found in by_stem.values():
        if len(found.pictures) == len(found.files) == 1 and _agree(found.pictures[0], found.files[0]):
            pairs.found[found.pictures[0].position] = found.files[0]


def _agree(picture: Member, file: Member) -> bool:
    """Whether no folder of one contradicts those of the other. A split that both name need not stand at one place."""
    keys = [_loose(member)[:-1] for member in (picture, file)]
    splits = [{_split_word(part) for part in member.path.split("/")[:-1]} - {""} for member in (picture, file)]
    if splits[0] == splits[1]:
        keys = [tuple(part for part in key if part not in splits[0]) for key in keys]
    return _ends(keys[0], keys[1])


def _ends(one: Key, other: Key) -> bool:
    short, long = sorted((one, other), key=len)
    return not short or long[-len(short) :] == short


def _beside(member: Member) -> Key:
    return (*member.path.split("/")[:-1], names.stem(member.path))


def _strict(member: Member) -> Key:
    """The path without its suffix and without the words that say what a folder is for."""
    folders = ["_".join(_kept(part)) for part in member.path.split("/")[:-1]]
    return (*filter(None, folders), names.stem(member.path))


def _loose(member: Member) -> Key:
    """Without the whole folder that says what is in it, but for the split that it names; and by the bare stem."""
    folders = member.path.split("/")[:-1]
    innermost = next((at for at in reversed(range(len(folders))) if words(folders[at]) & _EVERY_ROLE), None)
    kept = []
    for at, part in enumerate(folders):
        if at == innermost or not _kept(part):
            kept.append(_split_word(part))
        else:
            split = names.split_named(part)
            kept.append(part.lower() if split is None else split.name.lower())
    return (*filter(None, kept), bare_stem(member.path))


def _folded(member: Member) -> Key:
    """`IMG_1.JPG` and `img_1.txt`."""
    return tuple(part.casefold() for part in _loose(member))


def _split_word(part: str) -> str:
    """The split that a folder of some role names besides: `train_masks`, `trainannot`."""
    split = names.split_of_words(part)
    if split is None:
        glued = (w for w in _SPLIT_WORDS if part.lower().startswith(w) and part.lower()[len(w) :] in _EVERY_ROLE)
        split = names.split_named(next(glued, ""))
    return "" if split is None else split.name.lower()


def _kept(part: str) -> list[str]:
    return [word for word in re.split(r"[\s_.-]+", part.lower()) if word and word not in _EVERY_ROLE]
