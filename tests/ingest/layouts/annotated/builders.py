"""Small archives of noise with a box or a mask each, in the layouts that people keep them in."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from tests.ingest.archives import png

SIDE = 48
Box = tuple[str, int, int, int, int]  # class, x, y, width, height
Files = dict[str, bytes]


def pictures(names: Iterable[str]) -> Files:
    """Different noise for each name, in the format that its suffix says."""
    found = {}
    for number, name in enumerate(names):
        content = png(number + 1, side=SIDE)
        if name.lower().endswith((".jpg", ".jpeg")):
            file = io.BytesIO()
            Image.open(io.BytesIO(content)).save(file, "JPEG")
            content = file.getvalue()
        found[name] = content
    return found


def box_of(number: int, label: str | None = None) -> Box:
    """A box that no other number has."""
    return (label or "ab"[number % 2], number % 20, number // 20, 10 + number % 7, 9)


def corners(box: Box) -> tuple[object, ...]:
    """As `boxes_by_image` gives it."""
    label, x, y, width, height = box
    return label, float(x), float(y), float(x + width), float(y + height)


def coco(images: Mapping[str, Sequence[Box]], path: str = "instances.json", **more: object) -> Files:
    labels = sorted({box[0] for boxes in images.values() for box in boxes})
    stated = {
        "images": [
            {"id": at, "file_name": name, "width": SIDE, "height": SIDE} for at, name in enumerate(images)
        ],
        "annotations": [
            {"id": 100 * at + number, "image_id": at, "category_id": labels.index(label) + 1, "bbox": list(box)}
            for at, boxes in enumerate(images.values())
            for number, (label, *box) in enumerate(boxes)
        ],
        "categories": [{"id": at + 1, "name": label} for at, label in enumerate(labels)],
    }  # fmt: skip
    return {path: json.dumps(stated | more).encode()}


def voc_page(boxes: Sequence[Box], filename: str, *, folder: str = "", path: str = "") -> bytes:
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + width}</xmax>"
        f"<ymax>{y + height}</ymax></bndbox></object>"
        for label, x, y, width, height in boxes
    )
    head = f"<folder>{folder}</folder><filename>{filename}</filename><path>{path}</path>"
    size = f"<size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>"
    return f"<annotation>{head}{size}{objects}</annotation>".encode()


def yolo_lines(boxes: Sequence[Box], labels: Sequence[str] = "ab", *, tail: str = "") -> bytes:
    lines = [
        f"{labels.index(label)} {(x + width / 2) / SIDE} {(y + height / 2) / SIDE} {width / SIDE} {height / SIDE}{tail}"
        for label, x, y, width, height in boxes
    ]
    return "\n".join(lines).encode()


def values(number: int, levels: Sequence[int] = (0, 1, 2), side: int = SIDE) -> np.ndarray:
    """A mask of large background with a block of each further value, elsewhere in each number."""
    mask = np.full((side, side), levels[0], np.uint8)
    for at, level in enumerate(levels[1:]):
        left = (number * 5 + at * 17) % (side - 12)
        mask[6 + 10 * at : 14 + 10 * at, left : left + 9 + at] = level
    return mask


def save(image: np.ndarray | Image.Image, form: str = "PNG", **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def with_palette(indices: np.ndarray, colours: Sequence[tuple[int, int, int]]) -> bytes:
    image = Image.fromarray(indices)
    image.putpalette([channel for colour in colours for channel in colour])
    return save(image)
