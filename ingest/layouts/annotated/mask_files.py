"""Images with a mask file each: images/ beside masks/, or Pascal VOC's JPEGImages and SegmentationClass."""

from collections.abc import Callable

from contract.pack.manifest import IGNORE
from contract.results.ingested import Layout
from ingest import names
from ingest.annotations.masks import MaskFile, MaskStore
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.class_names import ClassNames, read_class_names
from ingest.layouts.annotated.image_sets import ImageSets, read_image_sets
from ingest.layouts.annotated.layout import Annotated, Entry, reject_unannotated
from ingest.layouts.annotated.pairing import IMAGE_ROLES, MASK_ROLES, Key, bare_key, key, plays
from ingest.limits import Limits

_VOC_MASKS = "segmentationclass"
_OTHER_MASKS = frozenset({"segmentationobject"})
_FIX = "Put a PNG of the image's name into masks/, or take the image out."


def find_masks(
    archive: Archive,
    others: list[Member],
    images: list[Member],
    *,
    store: MaskStore,
    limits: Limits,
    findings: Findings,
) -> Annotated | None:
    """Pairs of image and mask by name; None where no folder of masks is found. `fill` then fetches the masks."""
    masks = [member for member in images if plays(member.path, MASK_ROLES) and not plays(member.path, _OTHER_MASKS)]
    photos = [member for member in images if plays(member.path, IMAGE_ROLES) and not plays(member.path, MASK_ROLES)]
    photos = photos or [member for member in images if not plays(member.path, MASK_ROLES | _OTHER_MASKS)]
    if not masks or not photos:
        return None
    voc = any(plays(member.path, frozenset({_VOC_MASKS})) for member in masks)
    sets = read_image_sets(archive, others, {"segmentation"}, limits)
    named = read_class_names(archive, others, limits, findings)
    if named is not None and len(named.names) > IGNORE:
        raise Refused("too_many_classes", f"{named.path} names more than {IGNORE} classes", "A mask holds no more.")
    entries = _paired([member for member in photos if names.stem(member.path) in sets], masks, sets, named, store)
    taken = {entry.member.position for entry in entries}
    listed = [member for member in photos if names.stem(member.path) in sets]
    reject_unannotated(listed, taken, "mask", fix=_FIX, findings=findings)
    _tell_unlisted(sets, len(photos) - len(listed), {names.stem(member.path) for member in photos}, findings)
    used = sets.paths | ({named.path} if named else set())
    layout: Layout = "voc" if voc else "masks"
    return Annotated(layout, named.names if named else None, entries, used)


def fill(
    store: MaskStore, archive: Archive, entries: list[Entry], limits: Limits, looked: Callable[[int], None]
) -> None:
    """Fetch the masks of these entries, before their images are read."""
    positions = {entry.annotation.position for entry in entries if isinstance(entry.annotation, MaskFile)}
    for number, (position, content) in enumerate(
        archive.read(positions, limit=limits.entry_bytes) if positions else ()
    ):
        store.add(position, content)
        if number % 256 == 0:
            looked(len(entries))


def _paired(
    photos: list[Member], masks: list[Member], sets: ImageSets, named: ClassNames | None, store: MaskStore
) -> list[Entry]:
    by_key: dict[Key, Member] = {}
    for mask in masks:
        found = key(mask.path, MASK_ROLES)
        by_key.setdefault(bare_key(found), mask)
    by_key |= {key(mask.path, MASK_ROLES): mask for mask in masks}
    entries = []
    for photo in photos:
        its_mask = by_key.get(key(photo.path, IMAGE_ROLES))
        if its_mask is not None:
            annotation = MaskFile(
                its_mask.path,
                its_mask.position,
                store,
                len(named.names) if named else None,
                colours=named.colours if named else None,
            )
            entries.append(Entry(photo, sets.split(photo.path), annotation))
    return entries


def _tell_unlisted(sets: ImageSets, unlisted: int, stems: set[str], findings: Findings) -> None:
    if unlisted:
        message = f"{unlisted} images are in no image set of the segmentation and were left aside"
        findings.add("info", "image_not_listed", message)
    for stem in sets.splits.keys() - stems:
        message = f"the image sets name {stem[:200]!r}, which is not there"
        findings.add("warning", "image_missing", message, fix="Add the image, or take it off the list.")
