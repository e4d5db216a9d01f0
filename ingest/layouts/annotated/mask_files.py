"""Images with a mask file each: images/ beside masks/, Pascal VOC's folders, or both side by side with one stem."""

from contract.pack.manifest import IGNORE, Split
from contract.results.ingested import Layout
from ingest import names
from ingest.annotations.mask_survey import Survey
from ingest.annotations.masks import MaskFile, MaskStore, NothingDrawn
from ingest.archives.members import Member
from ingest.findings import Refused
from ingest.layouts.annotated.class_names import read_class_names
from ingest.layouts.annotated.layout import Annotated, Entry, Given
from ingest.layouts.annotated.mask_folders import find_mask_files, tell_left
from ingest.layouts.annotated.mask_parts import Masks, find_masks
from ingest.layouts.annotated.mask_reading import HONOURED, MaskReading, decide
from ingest.layouts.annotated.split_lists import SplitLists, read_image_sets, read_named_lists
from ingest.layouts.annotated.unlabelled import settle_unlabelled

_FIX = "Put a PNG with the image's name into masks/, or remove the image."


def read_masks(given: Given, store: MaskStore) -> Annotated | None:
    """Masks of image and mask by name; None where no masks are found. The masks are then in the store."""
    found = find_mask_files(given)
    if found is None:
        return None
    tell_left(given, found)
    lists = read_image_sets(given.archive, given.others, found.photos, "segmentation", given.limits)
    if not lists.splits:
        lists = read_named_lists(given.archive, given.others, found.photos, given.limits)
    photos = lists.listed(found.photos)
    pairs = find_masks(photos, found.masks)
    pairs.tell(given.findings)
    _tell_clashes(pairs, given)
    _tell_strays(pairs, photos, found.masks, given)
    named = read_class_names(given.archive, given.others, given.images, given.limits, given.findings)
    if named is not None and len(named.names) > IGNORE:
        raise Refused("too_many_classes", f"{named.path} names more than {IGNORE} classes.", "A mask holds no more.")
    survey = _fetch(pairs, store, given)
    reading = decide(survey, named, given.asked, given.findings)
    entries = _entries(photos, pairs, reading, lists, store)
    clashing = {member.position for clash in pairs.clashes for member in clash.pictures}
    entries += settle_unlabelled(
        given,
        photos,
        set(pairs.found) | clashing,
        what="mask",
        fix=_FIX,
        empty=NothingDrawn,
        split=lambda member: _split(lists, member),
    )
    lists.tell(given.findings)
    used = lists.paths | ({named.path} if named else set())
    layout: Layout = "voc" if found.voc else "masks"
    return Annotated(layout, reading.classes, entries, used, HONOURED)


def _fetch(pairs: Masks, store: MaskStore, given: Given) -> Survey:
    """Every mask into the store, looked at in passing."""
    survey = Survey()
    positions = {mask.position for masks in pairs.found.values() for mask in masks}
    content = given.archive.read(positions, limit=given.limits.entry_bytes) if positions else ()
    for number, (position, file) in enumerate(content):
        store.add(position, file)
        survey.add(file, given.limits)
        if number % 256 == 0:
            given.looked(len(positions))
    return survey


def _entries(
    photos: list[Member], pairs: Masks, reading: MaskReading, lists: SplitLists, store: MaskStore
) -> list[Entry]:
    entries = []
    for photo in photos:
        if masks := pairs.found.get(photo.position):
            further = tuple(mask.position for mask in masks[1:])
            mask = MaskFile(masks[0].path, masks[0].position, store, reading.key, reading.known, further=further)
            entries.append(Entry(photo, _split(lists, photo), mask))
    return entries


def _split(lists: SplitLists, member: Member) -> Split | None:
    listed = lists.split(member.position)
    return names.split_in(member.path) if listed is None else listed


def _tell_strays(pairs: Masks, photos: list[Member], masks: list[Member], given: Given) -> None:
    """Masks that belong to no image, with an example of either."""
    taken = pairs.taken
    strays = [mask for mask in masks if mask.position not in taken]
    if not strays:
        return
    alone = next((photo for photo in photos if photo.position not in pairs.found), None)
    message = f"{len(strays)} masks match no image by their names and were not used, such as {strays[0].path!r}."
    message += f" An image without a mask is {alone.path!r}." if alone else ""
    fix = "Give each mask the name of its image."
    given.findings.ignored += len(strays)
    given.findings.add("warning", "masks_of_no_image", message, path=strays[0].path, fix=fix)


def _tell_clashes(pairs: Masks, given: Given) -> None:
    for clash in pairs.clashes:
        pictures, files = (" and ".join(repr(m.path) for m in each[:2]) for each in (clash.pictures, clash.files))
        message = f"{files} may be the mask of {pictures}; none was taken."
        for member in clash.pictures:
            given.findings.reject(member.path, "image_ambiguous", message, fix="Rename one of them.")
