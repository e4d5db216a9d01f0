"""Ingests an archive and reads the pack back, for tests of layouts."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from contract.pack.manifest import PackManifest
from contract.results.ingested import Finding, ValidationReport
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from tests.data.scenes import Scene
from tests.ingest.archives import zipped
from tests.ingest.packs import check_pack, run_ingest
from trainer.data.pack import Pack, open_pack

Files = Mapping[str, bytes]


def ingested(
    files: Files,
    task: TaskName,
    folder: Path,
    pack: Callable[[Files], bytes] = zipped,
    *,
    reading: ReadingSpec = AS_FOUND,
) -> tuple[Pack, PackManifest]:
    result = run_ingest(pack(files), folder, task=task, reading=reading)
    assert result.manifest is not None, result.report.findings
    check_pack(folder / "out")
    return open_pack(folder / "out"), result.manifest


def reported(
    files: Files, task: TaskName, folder: Path, *, reading: ReadingSpec = AS_FOUND
) -> tuple[ValidationReport, dict[str, Finding]]:
    """The report, and the first finding of each code."""
    result = run_ingest(zipped(files), folder, task=task, reading=reading)
    found: dict[str, Finding] = {}
    for finding in result.report.findings:
        found.setdefault(finding.code, finding)
    return result.report, found


def boxes_by_image(files: Files, folder: Path, **options: object) -> dict[str, list[tuple[object, ...]]]:
    """Path -> class, x1, y1, x2, y2 of each box, rounded to a thousandth."""
    opened, manifest = ingested(files, "detection", folder, **options)  # type: ignore[arg-type]
    found = {}
    for row in range(manifest.samples):
        boxes, labels = boxes_of(opened, row)
        named = [manifest.classes[label] for label in labels]
        found[opened.table.column("path")[row].as_py()] = [
            (name, *(round(float(edge), 3) for edge in box)) for name, box in zip(named, boxes, strict=True)
        ]
    return found


def masks_by_image(files: Files, folder: Path, **options: object) -> tuple[dict[str, np.ndarray], list[str]]:
    opened, manifest = ingested(files, "segmentation", folder, **options)  # type: ignore[arg-type]
    paths = opened.table.column("path").to_pylist()
    return {path: mask_of(opened, row) for row, path in enumerate(paths)}, manifest.classes


def mask_of(pack: Pack, row: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pack.table.column("mask")[row].as_py())))


def boxes_of(pack: Pack, row: int) -> tuple[np.ndarray, np.ndarray]:
    boxes, labels = (pack.table.column(name)[row].as_py() for name in ("boxes", "box_labels"))
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64)


def painted_boxes(scene: Scene) -> np.ndarray:
    """The boxes as a mask, the smaller on top of the larger."""
    mask = np.zeros_like(scene.mask)
    areas = (scene.boxes[:, 2] - scene.boxes[:, 0]) * (scene.boxes[:, 3] - scene.boxes[:, 1])
    for at in np.argsort(-areas, kind="stable"):
        x1, y1, x2, y2 = scene.boxes[at].astype(int)
        mask[y1:y2, x1:x2] = scene.labels[at] + 1
    return mask
