"""What a pack says of the sizes of its images and boxes, and what the report makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from contract.specs.splits import SplitRequest
from ingest import IngestResult
from tests.ingest.archives import encode, zipped
from tests.ingest.packs import run_ingest

CATEGORIES = [{"id": 1, "name": "cell"}, {"id": 2, "name": "dust"}, {"id": 3, "name": "flag"}]


def boxed(
    folder: Path, *, size: tuple[int, int], boxes: list[tuple[int, float, float]], count: int = 12
) -> IngestResult:
    """COCO of `count` images (height, width), each with boxes of (category, width, height)."""
    random, files = np.random.default_rng(0), {}
    height, width = size
    images = [{"id": n, "file_name": f"{n}.png", "height": height, "width": width} for n in range(count)]
    for image in images:
        files[f"images/{image['file_name']}"] = encode(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    placed = [(n, category, w, h) for n in range(count) for category, w, h in boxes]
    annotations = [
        {"id": at, "image_id": n, "category_id": category, "bbox": [1, 1, w, h], "area": w * h, "iscrowd": 0}
        for at, (n, category, w, h) in enumerate(placed)
    ]
    stated = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    files["instances.json"] = json.dumps(stated).encode()
    return run_ingest(zipped(files), folder, task="detection", splits=SplitRequest(val=0, test=0.1))


def findings(result: IngestResult) -> dict[str, str]:
    return {found.code: f"{found.message} {found.fix or ''}" for found in result.report.findings}


def test_the_class_with_the_smallest_boxes_is_measured(tmp_path: Path) -> None:
    result = boxed(tmp_path, size=(120, 160), boxes=[(1, 40, 12), (2, 100, 90)])
    assert result.manifest is not None
    assert result.manifest.aspects == (1.3333, 1.3333, 1.3333)
    sizes = result.manifest.box_sizes
    assert sizes is not None
    assert (sizes.class_name, sizes.tenth_px, sizes.tenth_share) == ("cell", 12, pytest.approx(12 / 160))


def test_a_class_with_a_handful_of_boxes_does_not_decide(tmp_path: Path) -> None:
    few = boxed(tmp_path, size=(120, 160), boxes=[(2, 9, 9), (1, 40, 30)], count=6)
    assert few.manifest is not None
    assert few.manifest.box_sizes is not None
    assert few.manifest.box_sizes.class_name == "all classes"


def test_small_boxes_are_in_the_report_with_the_option_that_keeps_them(tmp_path: Path) -> None:
    told = findings(boxed(tmp_path, size=(600, 800), boxes=[(1, 9, 14)], count=12))
    assert "boxes of 'cell' is at most 9 px" in told["boxes_small"]
    assert "Train with `--image-size" in told["boxes_small"]
    assert told["training_size"].startswith("A training takes images at 384 x 512 px")


def test_images_that_are_taken_as_they_are_need_no_word(tmp_path: Path) -> None:
    told = findings(boxed(tmp_path, size=(96, 96), boxes=[(1, 30, 40)]))
    assert {"boxes_small", "training_size"} & set(told) == set()
