"""Which masks each image has: mostly one; several where they are numbered, or where a folder holds one image's masks.

`7_mask.png` with `7_mask_1.png` (BUSI); `7/images/7.png` with all of `7/masks/` (nuclei of the Data Science Bowl 2018).
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings
from ingest.layouts.annotated.pairing import Clash, folder_key, pair
from ingest.layouts.mask_names import numbered

_IMAGE_WORD = re.compile(
    r"^(?:images?|imgs?|im|photos?|pic|rgb|sat|input|scan|slice|frame)[\s_.-]*(?=\w)", re.IGNORECASE
)
_MASK_WORD = re.compile(r"^(?:masks?|labels?|gt|seg|segmentation|annotation|target)[\s_.-]*(?=\w)", re.IGNORECASE)
_NEARLY_ALL = 0.9  # of the masks that are left
_FEWEST_FOLDERS = 2


@dataclass
class Masks:
    """By the image's position; the first of several is the one without a number."""

    found: dict[int, list[Member]] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)
    loosely: list[tuple[str, Member, Member]] = field(default_factory=list)  # by what, image and mask

    @property
    def taken(self) -> set[int]:
        """Positions of the masks that were used or named."""
        files = [mask for masks in self.found.values() for mask in masks]
        return {mask.position for mask in (*files, *(mask for clash in self.clashes for mask in clash.files))}

    def tell(self, findings: Findings) -> None:
        """Say that images have several masks, which are read as one."""
        several = [masks for masks in self.found.values() if len(masks) > 1]
        if several:
            first, second = several[0][:2]
            message = (
                f"{len(several)} images have several masks, as {first.path!r} and {second.path!r}. They were read "
            )
            message += "as one mask that shows what any of them shows."
            fix = "If only one of them counts, leave the others out with `--ignore`."
            findings.add("warning", "masks_joined", message, path=first.path, fix=fix)
        for why in dict.fromkeys(why for why, _, _ in self.loosely):
            _, photo, mask = next(each for each in self.loosely if each[0] == why)
            count = sum(each[0] == why for each in self.loosely)
            message = f"{count} masks belong to no image by their whole names and were given to one {why}: "
            message += f"{mask.path!r} to {photo.path!r}."
            fix = "If that is wrong, give each mask the name of its image."
            findings.add("warning", "masks_matched_loosely", message, path=mask.path, fix=fix)


def find_masks(photos: list[Member], masks: list[Member]) -> Masks:
    pairs = pair(photos, masks)
    result = Masks({at: [mask] for at, mask in pairs.found.items()})
    for clash in pairs.clashes:
        if len(clash.pictures) == 1 and _are_numbered(clash.files):
            result.found[clash.pictures[0].position] = sorted(clash.files, key=lambda mask: _order(mask.path))
        else:
            result.clashes.append(clash)
    _take_numbered(photos, _left(masks, result.taken), result)
    _take_of_splits(photos, _left(masks, result.taken), result)
    _take_led(photos, _left(masks, result.taken), result)
    _take_folders(photos, _left(masks, result.taken), result)
    return result


def _left(members: list[Member], taken: set[int]) -> list[Member]:
    return [member for member in members if member.position not in taken]


def _without(photos: list[Member], result: Masks) -> list[Member]:
    clashing = {member.position for clash in result.clashes for member in clash.pictures}
    return [photo for photo in photos if photo.position not in result.found and photo.position not in clashing]


def _take_numbered(photos: list[Member], masks: list[Member], result: Masks) -> None:
    """Numbered masks go where the one without a number goes."""
    by_base: dict[str, list[Member]] = defaultdict(list)
    for mask in masks:
        if numbered(mask.path):
            by_base[_base(mask.path)].append(mask)
    owners = {_base(mask.path): at for at, found in result.found.items() for mask in found}
    for base in by_base.keys() & owners.keys():
        result.found[owners[base]] += sorted(by_base.pop(base), key=lambda mask: _order(mask.path))
    bases = {Member(f"{base}.png", found[0].position): base for base, found in by_base.items()}
    for at, mask in pair(_without(photos, result), list(bases)).found.items():
        result.found[at] = sorted(by_base[bases[mask]], key=lambda mask: _order(mask.path))


def _take_of_splits(photos: list[Member], masks: list[Member], result: Masks) -> None:
    """`ground_truth/broken/7_mask.png` of `test/broken/7.png` (MVTec): masks that stand in no split."""
    rest = [mask for mask in masks if names.split_in(mask.path) is None]
    called = {member.position: member for member in (*photos, *rest)}
    plain = [Member(_without_splits(photo.path), photo.position) for photo in _without(photos, result)]
    for at, mask in pair(plain, rest).found.items() if rest else ():
        result.found[at] = [mask]
        result.loosely.append(("without the folder of its split", called[at], mask))


def _without_splits(path: str) -> str:
    *folders, last = path.split("/")
    return "/".join([*(part for part in folders if names.split_of_folder(part) is None), last])


def _take_led(photos: list[Member], masks: list[Member], result: Masks) -> None:
    """`img_7.png` and `mask_7.png`, if nearly all masks that are left are called so."""
    rest = _without(photos, result)
    led = [_unled(mask, _MASK_WORD) for mask in masks]
    found = pair([_unled(photo, _IMAGE_WORD) for photo in rest], led).found
    if not found or len(found) < _NEARLY_ALL * len(masks):
        return
    called = {member.position: member for member in (*rest, *masks)}
    for at, mask in found.items():
        result.found[at] = [called[mask.position]]
        result.loosely.append(("by what follows the first word", called[at], called[mask.position]))


def _unled(member: Member, word: re.Pattern[str]) -> Member:
    folder, slash, last = member.path.rpartition("/")
    return Member(f"{folder}{slash}{word.sub('', last, count=1)}", member.position)


def _take_folders(photos: list[Member], masks: list[Member], result: Masks) -> None:
    """The only image of a folder, of several such folders, has all masks there that belong to no other."""
    around: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for photo in photos:
        around[folder_key(photo)].append(photo)
    alone = [(around[key][0], mask) for mask in masks if len(around.get(key := folder_key(mask), [])) == 1]
    if len({photo for photo, _ in alone}) < _FEWEST_FOLDERS:
        return
    for photo, mask in alone:
        result.found.setdefault(photo.position, []).append(mask)
        result.loosely.append(("as the only image of the folder", photo, mask))


def _are_numbered(masks: list[Member]) -> bool:
    """Whether masks differ in a number alone: `7_mask.png` and `7_mask1.png`."""
    with_number = [mask for mask in masks if numbered(mask.path)]
    return len(with_number) >= len(masks) - 1 and len({_base(mask.path) for mask in masks}) == 1


def _base(path: str) -> str:
    """The path without suffix and without the number of a mask."""
    found = numbered(path)
    folder, slash, _ = path.rpartition("/")
    return found.base if found else f"{folder}{slash}{names.stem(path)}"


def _order(path: str) -> tuple[int, str]:
    return len(path), path
