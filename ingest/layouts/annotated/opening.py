"""Which layout of masks or boxes an archive has. Content decides, not names; what is left over is named as unused."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest import names
from ingest.annotations.masks import MaskStore
from ingest.archives.members import Archive, Member
from ingest.archives.nested import open_nested
from ingest.archives.zip_archive import ZipArchive
from ingest.findings import Findings, Refused
from ingest.layouts.annotated import foreign
from ingest.layouts.annotated.box_tables import read_box_tables
from ingest.layouts.annotated.cvat import read_cvat
from ingest.layouts.annotated.hugging_face import read_metadata
from ingest.layouts.annotated.json_files import read_json
from ingest.layouts.annotated.keras_yolo import read_keras_yolo
from ingest.layouts.annotated.kitti import read_kitti
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.mask_files import read_masks
from ingest.layouts.annotated.mask_folders import find_mask_files, tell_masks, without_masks
from ingest.layouts.annotated.open_images import read_open_images
from ingest.layouts.annotated.voc import read_voc
from ingest.layouts.annotated.yolo import read_yolo
from ingest.layouts.split_folders import find_splits
from ingest.limits import Limits
from ingest.samples import Sample

_FIX = {
    "segmentation": "Upload images/ with masks/ of PNGs, Pascal VOC (JPEGImages, SegmentationClass), or COCO JSON.",
    "detection": "Upload images with COCO JSON, with Pascal VOC XML files, or with YOLO text files.",
}
# Each looks whether the archive is of its kind; the first that finds something reads it all.
_OF_BOXES: tuple[Callable[[Given], Annotated | None], ...] = (
    read_json,
    read_cvat,
    read_voc,
    read_open_images,
    read_box_tables,
    read_metadata,
    read_keras_yolo,
    read_kitti,
    read_yolo,
)
_RECORDS = {"tfrecord", "tfrecords", "tfrec", "record"}
_EVIDENCE = {"xml", "json", "jsonl", "csv", "tsv", "txt", "pbtxt"}
_ABOUT = ("readme", "license", "licence", "requirements", "notes", "changelog", "citation")


@dataclass(frozen=True)
class AnnotatedImages:
    archive: Archive
    found: Annotated
    masks: MaskStore
    limits: Limits

    def samples(self) -> Iterator[Sample]:
        by_position = {entry.member.position: entry for entry in self.found.entries}
        for position, content in self.archive.read(by_position, limit=self.limits.entry_bytes):
            entry = by_position[position]
            yield Sample(entry.member.path, "", entry.split, content, entry.annotation)

    def close(self) -> None:
        self.masks.close()
        self.archive.close()


def open_annotated(
    archive: Archive,
    members: list[Member],
    *,
    task: TaskName,
    scratch: Path,
    limits: Limits,
    findings: Findings,
    looked: Callable[[int], None],
    asked: ReadingSpec = AS_FOUND,
) -> AnnotatedImages:
    """Read every annotation of an archive; mask files lie in `scratch` then. Raises Refused."""
    if isinstance(archive, ZipArchive) and any(names.suffix(member.path) == "zip" for member in members):
        archive = open_nested(archive, members, scratch, limits, findings)
        members = archive.members()
    images = [member for member in members if names.is_image(member.path)]
    others = [member for member in members if not names.is_image(member.path)]
    if (records := next((m.path for m in others if names.suffix(m.path) in _RECORDS), None)) and not images:
        fix = "Export the dataset with its images as COCO JSON or Pascal VOC: tools that write TFRecord offer both."
        raise Refused("tfrecord_not_read", f"{records!r} is a TFRecord file, which is not read.", fix)
    if not images:
        raise Refused("no_images", f"None of the archive's {len(others)} files is an image by its name.", _FIX[task])
    given = Given(archive, others, images, task, limits, findings, scratch, looked, asked)
    store = MaskStore(scratch)
    found = _segmented(given, store) if task == "segmentation" else _boxed(given)
    if found is None:
        raise foreign.refusal(given) or _nothing(given)
    _tell_others(given, found)
    found = _with_decorated_splits(found, findings)
    return AnnotatedImages(archive, found, store, limits)


def _with_decorated_splits(found: Annotated, findings: Findings) -> Annotated:
    """Images whose split nothing else says are of the split folder that they lie in: `seg_train` beside `seg_test`."""
    if all(entry.split is not None for entry in found.entries):
        return found
    folders = find_splits({tuple(entry.member.path.split("/")[:-1]) for entry in found.entries})
    entries, used = [], set()
    for entry in found.entries:
        folder = tuple(entry.member.path.split("/")[:-1])
        split = folders.of(folder) if entry.split is None else None
        if split is not None:
            used.add(split.name.lower())
        entries.append(entry if split is None else entry._replace(split=split))
    if used:
        shown = ", ".join(sorted("/".join(folder) for folder in folders.splits)[:6])
        findings.add(
            "info", "splits_of_folders", f"The folders {shown} were taken for the splits {', '.join(sorted(used))}."
        )
    return replace(found, entries=entries)


def _boxed(given: Given) -> Annotated | None:
    pictures = replace(given, images=without_masks(given))
    found = next((found for read in _OF_BOXES if (found := read(pictures)) is not None), None)
    if found is not None:
        tell_masks(given, pictures.images)
    return found


def _segmented(given: Given, store: MaskStore) -> Annotated | None:
    """Regions first, unless a folder of masks is asked for; boxes alone give way to masks that are there as well."""
    if given.asked.masks is not None or given.asked.labelmap is not None or given.asked.instances_as is not None:
        return read_masks(given, store)
    try:
        pictures = replace(given, images=without_masks(given))
        for read in (read_json, read_cvat):
            if (found := read(pictures)) is not None:
                tell_masks(given, pictures.images)
                return found
    except Refused as refusal:
        masks = read_masks(given, store) if refusal.code in {"no_masks", "annotations_of_other_kind"} else None
        if masks is None:
            raise
        given.findings.add("warning", "annotations_unused", f"{refusal.message} The mask files were read instead.")
        return masks
    return read_masks(given, store) or _boxed(given)


def _nothing(given: Given) -> Refused:
    what = "masks" if given.task == "segmentation" else "boxes"
    message = f"No {what} were found for the images of the archive."
    suffixes = Counter(names.suffix(m.path) for m in given.others)
    held = ", ".join(f"{count} .{suffix}" for suffix, count in suffixes.most_common(4) if suffix)
    if held:
        message += f" Besides images it holds {held}, of no layout that is read."
    fix = _FIX[given.task]
    if given.task == "detection" and find_mask_files(given) is not None:
        fix = "The archive holds masks: train for segmentation (--task segmentation), or add boxes."
    return Refused("no_annotations", message, fix)


def _tell_others(given: Given, found: Annotated) -> None:
    """Each file beside, and once more those that look as if they said something of the images."""
    unused: dict[str, list[str]] = {}
    for member in given.others:
        if member.path in found.used:
            continue
        given.findings.ignore(member.path, "file_ignored", "Neither an image nor an annotation of the layout in use.")
        stem = names.stem(member.path).lower()
        if names.suffix(member.path) in _EVIDENCE and not stem.startswith(_ABOUT):
            unused.setdefault(names.suffix(member.path), []).append(member.path)
    for suffix, paths in unused.items():
        message = f"{len(paths)} .{suffix} files were not used: the annotations of the layout {found.layout} count."
        fix = "If these are the right ones, remove the other annotations."
        given.findings.add("warning", "annotations_unused", message, path=paths[0], fix=fix)
