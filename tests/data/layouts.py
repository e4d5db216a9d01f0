"""Scenes written in each layout that ingest reads, as file name -> content."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from tests.data.scenes import BACKGROUND, LETTERS, Scene

Files = dict[str, bytes]
_PALETTE = [
    channel for value in range(256) for channel in ((value * 37) % 256, (value * 91) % 256, (value * 151) % 256)
]


def coco(
    scenes: Sequence[Scene], letters: Sequence[str] = LETTERS, *, split: str = "", compressed: bool = True
) -> Files:
    """Images with one JSON file: boxes and run lengths. Category ids begin at 11, with gaps."""
    folder = f"{split}/" if split else ""
    listed = [
        {"id": at, "file_name": f"{scene.name}.png", "height": scene.mask.shape[0], "width": scene.mask.shape[1]}
        for at, scene in enumerate(scenes)
    ]
    annotations = [
        {
            "id": len(scenes) * at + number,
            "image_id": at,
            "category_id": 11 + 2 * int(label),
            "bbox": [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])],
            "area": int((scene.instances == number + 1).sum()),
            "iscrowd": 0,
            "segmentation": run_lengths(scene.instances == number + 1, compressed=compressed),
        }
        for at, scene in enumerate(scenes)
        for number, (box, label) in enumerate(zip(scene.boxes, scene.labels, strict=True))
    ]
    categories = [{"id": 11 + 2 * at, "name": letter} for at, letter in enumerate(letters)]
    stated = {"images": listed, "annotations": annotations, "categories": categories}
    return images(scenes, f"{folder}images/") | {f"{folder}instances.json": json.dumps(stated).encode()}


def run_lengths(filled: np.ndarray, *, compressed: bool) -> dict[str, object]:
    if compressed:
        coded = coco_mask.encode(np.asfortranarray(filled.astype(np.uint8)))
        return {"size": list(filled.shape), "counts": coded["counts"].decode()}
    flat = filled.reshape(-1, order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [len(flat)]])).tolist()
    return {"size": list(filled.shape), "counts": [0, *counts] if flat[0] else counts}


def masks(scenes: Sequence[Scene], letters: Sequence[str] = LETTERS, *, split: str = "") -> Files:
    folder = f"{split}/" if split else ""
    named = {"classes.txt": "\n".join([BACKGROUND, *letters]).encode()}
    return (
        images(scenes, f"{folder}images/")
        | named
        | {f"{folder}masks/{scene.name}.png": mask_png(scene.mask) for scene in scenes}
    )


def voc_masks(scenes: Sequence[Scene], *, val: int = 0) -> Files:
    """JPEGImages and SegmentationClass with a palette; the last `val` of them in the set val."""
    stems = [scene.name for scene in scenes]
    lists = {"train": stems[: len(stems) - val], "val": stems[len(stems) - val :]}
    return (
        images(scenes, "VOC/JPEGImages/")
        | {f"VOC/SegmentationClass/{scene.name}.png": mask_png(scene.mask, palette=True) for scene in scenes}
        | {f"VOC/ImageSets/Segmentation/{name}.txt": "\n".join(listed).encode() for name, listed in lists.items()}
    )


def voc_boxes(scenes: Sequence[Scene], letters: Sequence[str] = LETTERS) -> Files:
    pages = {f"VOC/Annotations/{scene.name}.xml": voc_page(scene, letters) for scene in scenes}
    return images(scenes, "VOC/JPEGImages/") | pages


def voc_page(scene: Scene, letters: Sequence[str] = LETTERS) -> bytes:
    height, width = scene.mask.shape
    objects = "".join(
        f"<object><name>{letters[label]}</name><bndbox><xmin>{x1:g}</xmin><ymin>{y1:g}</ymin>"
        f"<xmax>{x2:g}</xmax><ymax>{y2:g}</ymax></bndbox></object>"
        for (x1, y1, x2, y2), label in zip(scene.boxes, scene.labels, strict=True)
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{scene.name}.png</filename>{size}{objects}</annotation>".encode()


def yolo(scenes: Sequence[Scene], letters: Sequence[str] = LETTERS, *, split: str = "") -> Files:
    folder = f"{split}/" if split else ""
    names = "".join(f"  {at}: {letter}\n" for at, letter in enumerate(letters))
    return (
        images(scenes, f"images/{folder}")
        | {f"labels/{folder}{scene.name}.txt": yolo_lines(scene) for scene in scenes}
        | {"data.yaml": f"path: .\ntrain: images/train\nnc: {len(letters)}\nnames:\n{names}".encode()}
    )


def yolo_lines(scene: Scene) -> bytes:
    height, width = scene.mask.shape
    lines = []
    for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels, strict=True):
        middle = (x1 + x2) / 2 / width, (y1 + y2) / 2 / height
        lines.append(f"{label} {middle[0]!r} {middle[1]!r} {(x2 - x1) / width!r} {(y2 - y1) / height!r}")
    return "\n".join(lines).encode()


def mask_png(mask: np.ndarray, *, palette: bool = False) -> bytes:
    image = Image.fromarray(mask)
    if palette:
        image.putpalette(_PALETTE)  # turns it into mode P, the indices as they are
    return _png(image)


def images(scenes: Sequence[Scene], prefix: str) -> Files:
    return {f"{prefix}{scene.name}.png": _png(Image.fromarray(scene.image)) for scene in scenes}


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
