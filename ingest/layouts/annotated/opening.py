"""Which layout of masks or boxes an archive has: COCO before anything else, then what the task knows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest import names
from ingest.annotations.masks import MaskStore
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.coco import read_coco
from ingest.layouts.annotated.layout import Annotated
from ingest.layouts.annotated.mask_files import fill, find_masks
from ingest.layouts.annotated.voc import read_voc
from ingest.layouts.annotated.yolo import read_yolo
from ingest.limits import Limits
from ingest.samples import Sample

_FIX = {
    "segmentation": "Upload images/ with masks/ of PNGs, Pascal VOC (JPEGImages, SegmentationClass), or COCO JSON.",
    "detection": "Upload images with COCO JSON, with Pascal VOC XML files, or with YOLO text files.",
}


@dataclass(frozen=True)
class AnnotatedImages:
    archive: Archive
    found: Annotated
    masks: MaskStore
    limits: Limits
    looked: Callable[[int], None]

    def samples(self) -> Iterator[Sample]:
        fill(self.masks, self.archive, self.found.entries, self.limits, self.looked)
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
    asked: ReadingSpec = AS_FOUND,  # noqa: ARG001 - its readers honour it one by one
) -> AnnotatedImages:
    """Read every annotation of an archive but its mask files, which lie in `scratch` later. Raises Refused."""
    images = [member for member in members if names.is_image(member.path)]
    others = [member for member in members if not names.is_image(member.path)]
    if not images:
        raise Refused("no_images", f"none of the archive's {len(others)} files is an image by its name", _FIX[task])
    masks = MaskStore(scratch)
    found = read_coco(archive, others, images, task=task, limits=limits, findings=findings)
    if found is None and task == "segmentation":
        found = find_masks(archive, others, images, store=masks, limits=limits, findings=findings)
    elif found is None:
        found = read_voc(archive, others, images, limits=limits, findings=findings)
        found = found or read_yolo(archive, others, images, limits=limits, findings=findings)
    if found is None:
        what = "masks" if task == "segmentation" else "boxes"
        raise Refused("no_annotations", f"no {what} were found for the images of the archive", _FIX[task])
    _tell_others(others, found, findings)
    return AnnotatedImages(archive, found, masks, limits, looked)


def _tell_others(others: list[Member], found: Annotated, findings: Findings) -> None:
    for member in others:
        if member.path not in found.used:
            findings.ignore(member.path, "file_ignored", "neither an image nor an annotation of the layout in use")
