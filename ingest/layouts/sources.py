"""From a file of any kind to a stream of labelled images. Each layout has a module of its own; this one chooses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract.results.ingested import Layout
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest import names
from ingest.archives.members import Archive, Kind, Member, sniff
from ingest.archives.nested import open_nested
from ingest.archives.tar_archive import TarArchive
from ingest.archives.zip_archive import ZipArchive
from ingest.findings import Findings, Refused
from ingest.layouts import arrays, options, parquet, unread_kinds
from ingest.layouts import parquet_shards as shards
from ingest.layouts.annotated import parquet_boxes
from ingest.layouts.annotated.opening import open_annotated
from ingest.layouts.folders import Labelled
from ingest.layouts.labelling import label_images
from ingest.layouts.mask_pictures import without_masks
from ingest.layouts.nothing import no_images
from ingest.layouts.superclasses import NONE_NAMED, Superclasses, read_superclasses
from ingest.limits import Limits
from ingest.samples import Sample


@dataclass(frozen=True)
class Source:
    """A dataset as it came. `samples` can be called once."""

    archive: Kind
    layout: Layout
    total: int  # images to look at
    samples: Callable[[], Iterator[Sample]]
    close: Callable[[], None]
    classes: list[str] | None = None  # in the order that the dataset states, if it does
    superclasses: Superclasses = NONE_NAMED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True)
class Reading:
    """What an archive is to be read as, and within what bounds."""

    task: TaskName
    limits: Limits
    scratch: Path  # a folder for what has to be put aside
    looked: Callable[[int], None]  # hears how many entries were passed, where that takes long
    asked: ReadingSpec = AS_FOUND  # what the person says of it


def open_source(path: Path, findings: Findings, reading: Reading) -> Source:
    """Look at names, headers and annotations only. Raises Refused."""
    kind = sniff(path)
    limits = reading.limits
    if reading.task == "segmentation" and kind == "parquet":
        raise _unannotated("parquet", reading.task)
    if reading.task == "detection" and kind == "parquet":
        options.require(reading.asked, parquet_boxes.HONOURED, "Parquet files with boxes")
        boxed = parquet_boxes.open_boxes(path, limits, findings, reading.asked)
        return Source("parquet", "parquet", boxed.total, boxed.samples, boxed.close, boxed.classes)
    if kind == "parquet":
        options.require(reading.asked, options.OF_COLUMNS, "Parquet files")
        frame = parquet.open_parquet(path, limits, findings, asked=reading.asked)
        return Source("parquet", "parquet", frame.total, frame.samples, frame.file.close, frame.class_names)
    if kind == "zip":
        zipped = ZipArchive(path, limits, findings)
        members = zipped.members()
        if members and all(names.suffix(member.path) == "npy" for member in members):
            if reading.task != "classification":
                raise _unannotated("npz", reading.task)
            options.require(reading.asked, options.OF_ARRAYS, "arrays")
            stored = arrays.open_arrays(zipped, members, limits)
            return Source("npz", "npz", stored.total, stored.samples, zipped.close)
        return _of_zip(zipped, members, findings, reading)
    tar = TarArchive(path, kind, limits=limits, findings=findings, looked=reading.looked)
    return _read_as(tar, tar.members(), findings, reading)


def _read_as(archive: Archive, members: list[Member], findings: Findings, reading: Reading) -> Source:
    members = _readable(options.kept(members, reading.asked, findings), findings)
    if reading.task == "classification":
        options.require(reading.asked, options.OF_MEMBERS | options.OF_LABELS, "a classification dataset")
        return _images(archive, members, asked=reading.asked, limits=reading.limits, findings=findings)
    opened = open_annotated(
        archive,
        members,
        task=reading.task,
        scratch=reading.scratch,
        limits=reading.limits,
        findings=findings,
        looked=reading.looked,
        asked=reading.asked,
    )
    found = opened.found
    options.require(reading.asked, options.OF_MEMBERS | found.honoured, f"the layout {found.layout}")
    return Source(archive.kind, found.layout, len(found.entries), opened.samples, opened.close, found.classes)


def _of_zip(zipped: ZipArchive, members: list[Member], findings: Findings, reading: Reading) -> Source:
    """Images in a zip: themselves, in zips within it, or in Parquet files."""
    if reading.task == "detection" and shards.are_shards(members):
        return _of_boxed_shards(zipped, members, findings, reading)
    if reading.task == "segmentation" and shards.are_shards(members):
        raise _unannotated("Parquet", reading.task)
    if reading.task != "classification":
        return _read_as(zipped, members, findings, reading)
    if shards.are_shards(members):
        options.require(reading.asked, options.OF_COLUMNS | options.OF_MEMBERS, "Parquet files")
        opened = shards.open_shards(
            zipped,
            options.kept(members, reading.asked, findings),
            scratch=reading.scratch,
            asked=reading.asked,
            limits=reading.limits,
            findings=findings,
        )
        return Source("zip", "parquet", opened.total, opened.samples, opened.close, opened.class_names)
    if any(names.suffix(member.path) == "zip" for member in members):
        nested = open_nested(zipped, members, reading.scratch, reading.limits, findings)
        return _read_as(nested, nested.members(), findings, reading)
    return _read_as(zipped, members, findings, reading)


def _of_boxed_shards(zipped: ZipArchive, members: list[Member], findings: Findings, reading: Reading) -> Source:
    """Boxes in the Parquet files of a zip."""
    options.require(reading.asked, parquet_boxes.HONOURED | options.OF_MEMBERS, "Parquet files with boxes")
    members = options.kept(members, reading.asked, findings)
    boxed = parquet_boxes.open_boxed_shards(
        zipped, members, scratch=reading.scratch, asked=reading.asked, limits=reading.limits, findings=findings
    )

    def close() -> None:
        boxed.close()
        zipped.close()

    return Source("zip", "parquet", boxed.total, boxed.samples, close, boxed.classes)


def _readable(members: list[Member], findings: Findings) -> list[Member]:
    """Without pictures of kinds that are not read, each of which is told of and counts as bad."""
    found = []
    for member in members:
        kind = names.suffix(member.path)
        if kind in names.UNREAD_SUFFIXES:
            message = f"Pictures of the kind .{kind} are not read."
            findings.reject(member.path, "image_kind_unread", message, fix="Export it as JPEG or PNG.")
        else:
            found.append(member)
    return found


def _unannotated(kind: str, task: TaskName) -> Refused:
    fix = "Upload a zip or tar of images with their annotations, or make it a classification dataset."
    return Refused("no_annotations", f"{kind} files are not read for {task}.", fix)


def _images(
    archive: Archive, members: list[Member], *, asked: ReadingSpec, limits: Limits, findings: Findings
) -> Source:
    images = [member for member in members if names.is_image(member.path)]
    others = [member for member in members if not names.is_image(member.path)]
    if not images:
        raise no_images(others)
    kept = without_masks(archive, images, limits, findings)
    masks = len(images) - len(kept)
    labels = label_images(archive, others, kept, masks=masks, asked=asked, limits=limits, findings=findings)
    superclasses = read_superclasses(archive, others, images, findings)
    unread_kinds.tell(others, findings)
    for member in others:
        if member.path not in labels.used and member.path != superclasses.path:
            findings.ignore(member.path, "file_ignored", "Not an image by its name, nor a table or list of classes.")
    return Source(
        archive.kind,
        labels.layout,
        len(labels.labelled),
        lambda: _read(archive, labels.labelled, limits),
        archive.close,
        superclasses=superclasses,
    )


def _read(archive: Archive, labelled: list[Labelled], limits: Limits) -> Iterator[Sample]:
    by_position = {entry.member.position: entry for entry in labelled}
    for position, content in archive.read(by_position, limit=limits.entry_bytes):
        entry = by_position[position]
        yield Sample(entry.member.path, entry.label, entry.split, content)
