"""Which of an archive's pictures are masks and which are photographs: by their folders, their names, or both alike."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Refused
from ingest.layouts.annotated.layout import Given
from ingest.layouts.annotated.pairing import (
    IMAGE_ROLES,
    MASK_ROLES,
    bare_stem,
    is_named_mask,
    pair,
    picture_of_numbered,
    role,
    words,
)
from ingest.layouts.mask_pictures import drawn_suffix, side_by_side

_OTHER_MASKS = frozenset(
    {"segmentationobject", "instance", "instances", "object", "overlay", "overlays", "preview", "vis"}
)
_OTHER_ENDING = re.compile(
    r"[_-](color|colour|instanceids|instances?|overlay|vi[sz]|polygons|superpixels)$", re.IGNORECASE
)
_VOC_MASKS = frozenset({"segmentationclass", "segmentationclassaug", "segmentationclassraw"})
_TRUSTED = ("segmentationclass", "manual")
_LOSSLESS = {"png", "bmp", "gif", "tif", "tiff"}


class Found(NamedTuple):
    photos: list[Member]
    masks: list[Member]
    voc: bool


def find_mask_files(given: Given) -> Found | None:
    """Raises Refused where several folders hold a mask for each image and nothing says which counts."""
    if given.asked.masks is not None:
        return _in_folder(given, given.asked.masks.strip("/"))
    images = given.images
    start = _common_start(images)
    bare = {member.position: member.path[start:] for member in images}
    other = {m.position for m in images if role(bare[m.position], _OTHER_MASKS, IMAGE_ROLES)}
    marked = [m for m in images if role(bare[m.position], MASK_ROLES, IMAGE_ROLES) and m.position not in other]
    masks = [m for m in marked if not _OTHER_ENDING.search(names.stem(m.path))] or marked
    found_masks = {m.position for m in marked} | other
    rest = [m for m in images if m.position not in found_masks and not _is_other(m.path)]
    photos = [m for m in rest if role(bare[m.position], IMAGE_ROLES, frozenset())] or rest
    if masks and photos:
        chosen = _chosen(masks, photos, given)
        return Found(photos, chosen, any(words(part) & _VOC_MASKS for m in chosen for part in m.path.split("/")[:-1]))
    return _by_name(images) or _side_by_side(given)


def without_masks(given: Given) -> list[Member]:
    """Pictures but for those that are masks of others, as VOC's own SegmentationClass."""
    start = _common_start(given.images)
    masks = [m for m in given.images if role(m.path[start:], MASK_ROLES | _OTHER_MASKS | _VOC_MASKS, IMAGE_ROLES)]
    taken = {m.position for m in masks}
    rest = [m for m in given.images if m.position not in taken]
    stems = {bare_stem(m.path) for m in rest}
    if not masks or 2 * sum(bare_stem(m.path) in stems for m in masks) < len(masks):
        return given.images
    return rest


def tell_masks(given: Given, kept: list[Member]) -> None:
    """Say how many pictures were taken for masks, once another layout than masks counts."""
    taken = {m.position for m in kept}
    masks = [m for m in given.images if m.position not in taken]
    if masks:
        message = f"{len(masks)} pictures are in folders of masks, so they are not images of the dataset."
        given.findings.ignored += len(masks)
        if given.task == "detection":
            given.findings.add("info", "masks_unused", message, path=masks[0].path)
            return
        message += " The masks were drawn from the other annotations of the archive."
        fix = f"To read these pictures as the masks, pass `--masks '{masks[0].path.rpartition('/')[0]}'`."
        given.findings.add("warning", "masks_unused", message, path=masks[0].path, fix=fix)


def _common_start(images: list[Member]) -> int:
    """How many characters of folders all images share: a top folder called `road masks` says nothing of any of them."""
    folders = [member.path.split("/")[:-1] for member in images]
    shared = folders[0] if folders else []
    for parts in folders:
        while shared != parts[: len(shared)]:
            shared = shared[:-1]
    return sum(len(part) + 1 for part in shared)


def _in_folder(given: Given, folder: str) -> Found:
    """The masks where a person says they are."""
    inside = [m for m in given.images if f"/{folder}/" in f"/{m.path}"]
    if not inside:
        raise Refused("option_without_effect", f"`masks` {folder!r} is no folder of images.", "Correct the folder.")
    outside = [m for m in given.images if f"/{folder}/" not in f"/{m.path}"]
    photos = [m for m in outside if not role(m.path, MASK_ROLES | _OTHER_MASKS, IMAGE_ROLES)] or outside
    return Found(photos, inside, False)


def _chosen(masks: list[Member], photos: list[Member], given: Given) -> list[Member]:
    """Masks of one folder, where several have one for the same images."""
    groups: dict[str, list[Member]] = defaultdict(list)
    for mask in masks:
        groups[_role_folder(mask.path)].append(mask)
    if len(groups) < 2:
        return masks
    partners = {title: set(pair(photos, group).found) for title, group in groups.items()}
    groups = {title: group for title, group in groups.items() if partners[title]}
    titles = sorted(groups)
    rivals = [(a, b) for at, a in enumerate(titles) for b in titles[at + 1 :] if partners[a] & partners[b]]
    if not rivals:
        return [mask for group in groups.values() for mask in group] or masks
    trusted = [title for title in titles if any(word in title for word in _TRUSTED)]
    if not trusted:
        message = f"The images have masks in {rivals[0][0]!r} and in {rivals[0][1]!r}."
        raise Refused("masks_ambiguous", message, f"Choose one: --masks {rivals[0][0]}.")
    left = ", ".join(repr(title) for title in titles if title != trusted[0])
    message = f"The images have masks in several folders. Those of {trusted[0]!r} count, those of {left} do not."
    given.findings.add("warning", "masks_chosen", message, fix="To choose others, pass --masks FOLDER.")
    return groups[trusted[0]]


def _role_folder(path: str) -> str:
    """The innermost folder that says masks, whatever the split."""
    parts = [part.lower() for part in path.split("/")[:-1] if words(part) & MASK_ROLES]
    return re.sub(r"^(train(ing)?|val(id(ation)?)?|test(ing)?)[_\s.-]*", "", parts[-1]) or parts[-1] if parts else ""


def _by_name(images: list[Member]) -> Found | None:
    """`7.jpg` and `7_mask.png` in one folder, or in several that say nothing."""
    masks = [m for m in images if is_named_mask(m.path) and not _OTHER_ENDING.search(names.stem(m.path))]
    taken = {m.position for m in masks}
    photos = [m for m in images if m.position not in taken and not _OTHER_ENDING.search(names.stem(m.path))]
    stems = {bare_stem(m.path) for m in photos}
    folders = Counter(m.path.rpartition("/")[0] for m in photos)
    partnered = [
        m for m in masks if (picture_of_numbered(m.path) or bare_stem(m.path)) in stems or _is_of_one(m, folders)
    ]
    return Found(photos, masks, False) if partnered and 2 * len(partnered) >= len(masks) else None


def _is_of_one(mask: Member, folders: Counter[str]) -> bool:
    """Whether a file called `mask.png` or `label.png` stands beside one photograph: `case1/image.png`."""
    return names.stem(mask.path).casefold() in MASK_ROLES and folders[mask.path.rpartition("/")[0]] == 1


def _side_by_side(given: Given) -> Found | None:
    """`7.jpg` with `7.png`: the one without loss is the mask, or of two such the one that is drawn in few colours."""
    pairs = side_by_side(given.images)
    if not pairs or 4 * len(pairs) < len(given.images):
        return None
    lossless = [[m for m in pair_of if names.suffix(m.path) in _LOSSLESS] for pair_of in pairs]
    masks = [found[0] for found in lossless if len(found) == 1]
    if not masks:
        suffix = drawn_suffix(given.archive, pairs, given.limits)
        masks = [m for pair_of in pairs for m in pair_of if names.suffix(m.path) == suffix]
    if not masks or 4 * len(masks) < len(given.images):
        return None
    taken = {m.position for m in masks}
    return Found([m for m in given.images if m.position not in taken], masks, False)


def tell_left(given: Given, found: Found) -> None:
    """Name the pictures that are neither images nor masks of the set."""
    taken = {m.position for m in (*found.photos, *found.masks)}
    left = [m for m in given.images if m.position not in taken]
    start = _common_start(given.images)
    masks = [m for m in left if role(m.path[start:], MASK_ROLES | _OTHER_MASKS, IMAGE_ROLES) or _is_other(m.path)]
    if masks:
        message = f"{len(masks)} pictures of masks are not used: those of objects, of colours, or of another folder."
        given.findings.ignored += len(masks)
        given.findings.add("info", "masks_unused", message, path=masks[0].path)
    named = {m.position for m in masks}
    outside = [m for m in left if m.position not in named]
    if outside:
        folders = sorted({m.path.rpartition("/")[0] or "the top folder" for m in outside})
        message = f"{len(outside)} pictures in {', '.join(folders[:3])} stand neither in a folder of images nor in one "
        message += "of masks, as others do. They were left out."
        fix = "If they are images of the set, move them to the others, with a mask each."
        given.findings.skipped += len(outside)
        given.findings.add("warning", "pictures_outside", message, path=outside[0].path, fix=fix)


def _is_other(path: str) -> bool:
    return _OTHER_ENDING.search(names.stem(path)) is not None
