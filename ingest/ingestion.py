"""From an uploaded archive to a pack and a report: open, decode, split, write. Knows no database, HTTP or bucket.

Two passes. The first streams the archive, decodes each image in a few threads and stages it; memory holds flat columns
only. Then splits and duplicates are decided on those columns, and the second pass writes the pack in its final order.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from contract.files import INGEST_REPORT, PACK_INSPECTION, PACK_MANIFEST, PACK_SAMPLES, PACK_THUMBNAILS
from contract.pack.manifest import PackManifest, Split
from contract.results.ingested import ValidationReport
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.specs.splits import SplitRequest
from contract.tasks import TaskName
from ingest import names
from ingest.annotations.turning import fitted
from ingest.findings import Findings, Refused
from ingest.images import images
from ingest.images.images import Ready
from ingest.inspection.inspecting import inspect
from ingest.layouts.relabelling import Relabelling
from ingest.layouts.sources import Reading, Source, open_source
from ingest.limits import Limits
from ingest.marks import Annotation
from ingest.notes import Fault, Unusable
from ingest.packing import coverage, depth, duplicates, splits, thumbnails, training_size
from ingest.packing.pack import amounts, order, shown_in, write_pack
from ingest.packing.staging import Columns, Staging
from ingest.samples import Sample

Progress = Callable[[int, int], None]
Outcome = Ready | Fault
_BATCH_IMAGES = 64
_BATCH_BYTES = 4 << 20
_BYTES_UNDER_WAY = 16 << 20
_PACK = (PACK_MANIFEST, PACK_SAMPLES, PACK_INSPECTION, PACK_THUMBNAILS)
FILES = (*_PACK, INGEST_REPORT)
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class IngestResult:
    manifest: PackManifest | None  # None: the archive is invalid and no pack was left behind
    report: ValidationReport


def ingest(
    archive: Path,
    out: Path,
    *,
    task: TaskName = "classification",
    splits: SplitRequest | None,
    progress: Progress,
    limits: Limits | None = None,
    reading: ReadingSpec = AS_FOUND,
) -> IngestResult:
    """Validate an archive; write OUT/report.json, and the files of a pack unless the archive is invalid.

    `progress` hears (done, total), where an image counts once when read and once when written; `total` grows while a
    tar is being listed. Raises OSError where OUT cannot be written; what is wrong with the archive is in the report.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)  # of an earlier attempt
    run = _Run(archive, out, task=task, request=splits, progress=progress, limits=limits or Limits(), asked=reading)
    manifest = None
    try:
        manifest = run.pack()
    finally:
        if manifest is None:
            for name in _PACK:
                (out / name).unlink(missing_ok=True)
    report = run.report(manifest)
    if manifest is not None:
        (out / PACK_MANIFEST).write_text(manifest.model_dump_json(indent=2))
    (out / INGEST_REPORT).write_text(report.model_dump_json(indent=2))
    return IngestResult(manifest, report)


class _Run:
    """One ingest: what is known so far, so that a report can be given wherever it ends."""

    def __init__(
        self,
        archive: Path,
        out: Path,
        *,
        task: TaskName,
        request: SplitRequest | None,
        progress: Progress,
        limits: Limits,
        asked: ReadingSpec,
    ) -> None:
        self.archive, self.out, self.task = archive, out, task
        self.request, self.progress, self.limits, self.asked = request, progress, limits, asked
        self.findings = Findings()
        self.source: Source | None = None
        self.columns: Columns | None = None
        self.splits = np.zeros(0, np.int8)
        self.depth_range: depth.Range | None = None

    def pack(self) -> PackManifest | None:
        """The pack's manifest; None where the archive cannot be used, which the findings then say."""
        try:
            reading = Reading(self.task, self.limits, self.out, self._looked, self.asked)
            self.source = open_source(self.archive, self.findings, reading)
            with self.source, Staging(self.out, self.limits) as staging:
                self._stage(self.source, staging)
                self._decide(self.source, staging)
                self._inspect(staging)
                return None if self.findings.failed else self._write(staging)
        except Refused as refusal:
            self.findings.refuse(refusal)
        except MemoryError:
            self.findings.refuse(
                Refused("memory", "Reading it takes more memory than is allowed.", "Split the dataset.")
            )
        return None

    def report(self, manifest: PackManifest | None) -> ValidationReport:
        counted = {split.name.lower(): int((self.splits == split).sum()) for split in Split}
        decided = self.columns is not None and len(self.splits) > 0
        return ValidationReport(
            status="invalid" if manifest is None else "ready",
            archive=self.source.archive if self.source else None,
            layout=self.source.layout if self.source else None,
            accepted=manifest.samples if manifest else 0,
            skipped=self.findings.skipped,
            ignored=self.findings.ignored,
            classes=len(self.columns.classes) if self.columns else 0,
            splits=counted if decided else {},
            pairability=self.columns.presence.pairability(self.splits == Split.TRAIN)
            if self.columns and decided
            else None,
            amounts=amounts(self.columns, self.splits) if self.columns and decided else {},
            images=shown_in(self.columns, self.splits) if self.columns and decided else {},
            findings=self.findings.listed(),
            counts=dict(self.findings.counts.most_common()),
        )

    def _looked(self, entries: int) -> None:
        self.progress(0, 2 * entries)

    def _stage(self, source: Source, staging: Staging) -> None:
        """The first pass. Raises Refused where too much of it is bad."""
        relabelling = Relabelling(self.asked, self.findings)
        samples = source.samples() if self.task != "classification" else relabelling.samples(source.samples())
        for done, (sample, outcome) in enumerate(_decoded(samples, self.limits), start=1):
            if isinstance(outcome, Fault):
                self.findings.reject(
                    sample.path, outcome.code, outcome.message, fix=outcome.fix, thumbnail=outcome.thumbnail
                )
            else:
                staging.add(sample, outcome)
                for note in (*outcome.notes, *(outcome.marks.notes if outcome.marks else ())):
                    self.findings.add(note.severity, note.code, note.message, path=sample.path, fix=note.fix)
            if done % _BATCH_IMAGES == 0:
                self.progress(done, 2 * source.total)
        if self.task == "classification":
            relabelling.check()
        bad, total = self.findings.rejected, self.findings.rejected + len(staging)
        if bad > self.limits.bad_share * total:
            message = f"{bad} of {total} images cannot be used, more than {self.limits.bad_share:.0%}."
            raise Refused(
                "too_many_bad_images", f"{message} {self.findings.commonest()}", self.findings.commonest_fix()
            )
        if not len(staging):
            fix = "Put images into one folder for each class."
            if self.task != "classification":
                raise Refused("no_images", "No image of the dataset has an annotation.", "Annotate the images.")
            raise Refused("no_images", "No image of the dataset has a class.", fix)

    def _decide(self, source: Source, staging: Staging) -> None:
        self.depth_range = depth.settle(staging, self.findings)
        self.columns = columns = staging.columns(source.classes)
        _check_classes(columns, self.task, self.limits, self.findings)
        decided = splits.decide(columns, self.request, self.findings)
        decided = duplicates.drop_leaks(columns, decided, staging, self.findings)
        self.splits = splits.keep_per_class(columns, decided, self.request, self.findings)
        _check_training(columns, self.splits, self.findings)

    def _inspect(self, staging: Staging) -> None:
        if self.columns is not None and not self.findings.failed:
            found = inspect(self.columns, self.splits, staging, task=self.task, findings=self.findings)
            (self.out / PACK_INSPECTION).write_text(found.model_dump_json())

    def _write(self, staging: Staging) -> PackManifest:
        if self.columns is None or self.source is None:
            raise RuntimeError("nothing was decided yet")
        total = len(staging)
        done = total

        def written(count: int) -> None:
            nonlocal done
            done += count
            self.progress(done, 2 * total)

        superclasses = self.source.superclasses.of(self.columns.classes, self.findings)
        manifest = write_pack(staging, self.columns, self.splits, task=self.task, folder=self.out, written=written)
        if manifest.encoding == "encoded":
            thumbnails.write(staging, order(self.columns, self.splits).tolist(), self.out / PACK_THUMBNAILS)
        self.progress(2 * total, 2 * total)
        training_size.tell(manifest, self.findings)
        return manifest.model_copy(update={"superclasses": superclasses, "depth_range": self.depth_range})


def _decoded(samples: Iterator[Sample], limits: Limits) -> Iterator[tuple[Sample, Outcome]]:
    """Every sample with what became of it, in order. A few batches are under way at a time."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="decode") as pool:
        waiting: deque[tuple[list[Sample], Future[list[Outcome]]]] = deque()
        try:
            for batch in _batches(samples):
                waiting.append((batch, pool.submit(_decode, batch, limits)))
                while len(waiting) > _THREADS or sum(map(_weight, waiting)) > _BYTES_UNDER_WAY:
                    yield from _finished(*waiting.popleft())
            while waiting:
                yield from _finished(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _weight(under_way: tuple[list[Sample], Future[list[Outcome]]]) -> int:
    return sum(sample.weight for sample in under_way[0])


def _finished(batch: list[Sample], future: Future[list[Outcome]]) -> Iterator[tuple[Sample, Outcome]]:
    yield from zip(batch, future.result(), strict=True)


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, 1)):
        weight = batch[0].weight
        while weight < _BATCH_BYTES and len(batch) < _BATCH_IMAGES and (sample := next(samples, None)) is not None:
            batch.append(sample)
            weight += sample.weight
        yield batch


def _decode(batch: list[Sample], limits: Limits) -> list[Outcome]:
    return [_outcome(sample, limits) for sample in batch]


def _outcome(sample: Sample, limits: Limits) -> Outcome:
    try:
        if not isinstance(sample.content, bytes):
            return images.from_pixels(sample.content, limits)
        ready = images.from_file(sample.content, limits)
        if sample.annotation is None:
            return ready
        return _annotated(ready, sample.annotation, limits)
    except Unusable as unusable:
        return unusable.fault  # without the trace, which would hold the file


def _annotated(ready: Ready, annotation: Annotation, limits: Limits) -> Outcome:
    try:
        return replace(ready, marks=fitted(annotation, ready.height, ready.width, ready.orientation, limits))
    except Unusable as unusable:
        return replace(unusable.fault, thumbnail=images.to_look_at(ready))


def _check_classes(columns: Columns, task: TaskName, limits: Limits, findings: Findings) -> None:
    if len(columns.classes) > limits.classes:
        raise Refused("too_many_classes", f"The dataset has more than {limits.classes:,} classes.", "Merge some.")
    if not columns.classes:
        raise Refused("no_boxes", "No image of the dataset has a box.", "Annotate at least some of the images.")
    if len(columns.classes) < 2 and task == "segmentation":
        message = f"The masks hold only one class, {columns.classes[0]!r}."
        raise Refused("one_class", message, "Number the pixels' classes 0, 1 and so on; 255 means to ignore.")
    if len(columns.classes) < 2 and task == "classification":
        message = f"There is only one class, {names.printable(columns.classes[0])!r}, of {len(columns.label)} images."
        raise Refused("one_class", message, "Classification needs two classes or more: one folder, or label, for each.")
    folded: dict[str, str] = {}
    for name in columns.classes:
        twin = folded.setdefault(re.sub(r"[\s_-]+", " ", name.casefold().strip()), name)
        if twin != name:
            message = f"The classes {twin!r} and {name!r} differ in case, spaces or hyphens only."
            fix = f"If they mean the same, merge them: `--map '{name}={twin}'`."
            findings.add("warning", "class_names_alike", message, fix=fix)


def _check_training(columns: Columns, decided: splits.Splits, findings: Findings) -> None:
    if not (decided == Split.TRAIN).any():
        message = "Every training image is also in a held-out split."
        raise Refused("no_training_images", message, "Keep training and held-out images apart.")
    if not ((decided == Split.VAL) | (decided == Split.TEST)).any():
        fix = "Give at least three images a class, or a val or test fraction above 0."
        few = f"No image could be set aside to test: {len(columns.label)} images have {len(columns.classes)} classes."
        raise Refused("nothing_held_out", few, fix)
    coverage.tell(columns, decided, findings)
