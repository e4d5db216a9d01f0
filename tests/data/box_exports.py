"""Scenes as tables and lists of boxes, as file name -> content."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.data.exports import table
from tests.data.layouts import Files, images, yolo_lines
from tests.data.scenes import LETTERS, Scene


def keras_yolo(scenes: Sequence[Scene]) -> Files:
    lines = [
        " ".join(
            [f"{scene.name}.png"]
            + [
                f"{','.join(f'{v:g}' for v in box)},{label}"
                for box, label in zip(scene.boxes.tolist(), scene.labels, strict=True)
            ]
        )
        for scene in scenes
    ]
    names = "\n".join(LETTERS).encode()
    return images(scenes, "train/") | {"train/_annotations.txt": "\n".join(lines).encode(), "train/_classes.txt": names}


def tensorflow_csv(scenes: Sequence[Scene]) -> Files:
    rows: list[list[object]] = [["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]]
    for scene in scenes:
        height, width = scene.mask.shape
        boxes = zip(scene.boxes.tolist(), scene.labels, strict=True)
        rows += [[f"{scene.name}.png", width, height, LETTERS[label], *box] for box, label in boxes]
        if not len(scene.labels):
            rows.append([f"{scene.name}.png", width, height, "", "", "", "", ""])
    return images(scenes, "train/") | {"train/_annotations.csv": table(rows)}


def retinanet(scenes: Sequence[Scene]) -> Files:
    rows: list[list[object]] = []
    for scene in scenes:
        boxes = zip(scene.boxes.tolist(), scene.labels, strict=True)
        rows += [[f"/home/me/pics/{scene.name}.png", *box, LETTERS[label]] for box, label in boxes]
        if not len(scene.labels):
            rows.append([f"/home/me/pics/{scene.name}.png", "", "", "", "", ""])
    return images(scenes, "pics/") | {"annotations.csv": table(rows)}


def open_images(scenes: Sequence[Scene]) -> Files:
    head = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
    )
    rows: list[list[object]] = [list(head.split(","))]
    for scene in scenes:
        height, width = scene.mask.shape
        for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels, strict=True):
            edges = [x1 / width, x2 / width, y1 / height, y2 / height]
            rows.append([scene.name, "xclick", f"/m/0{label}", 1, *map(repr, edges), 0, 0, 0, 0, 0])
    titles = table([[f"/m/0{at}", letter] for at, letter in enumerate(LETTERS)])
    return images(scenes, "data/") | {
        "train-annotations-bbox.csv": table(rows),
        "class-descriptions-boxable.csv": titles,
    }


def kitti(scenes: Sequence[Scene]) -> Files:
    files = images(scenes, "training/image_2/")
    for scene in scenes:
        lines = [
            f"{LETTERS[label]} 0.00 0 -1.57 {' '.join(map(repr, box))} 1.0 1.0 1.0 0 0 0 -1.56"
            for box, label in zip(scene.boxes.tolist(), scene.labels, strict=True)
        ]
        lines.append("DontCare -1 -1 -10 1.0 1.0 9.0 9.0 -1 -1 -1 -1000 -1000 -1000 -10")
        files[f"training/label_2/{scene.name}.txt"] = "\n".join(lines).encode()
    return files


def hugging_face(scenes: Sequence[Scene]) -> Files:
    lines = [
        json.dumps(
            {
                "file_name": f"{scene.name}.png",
                "objects": {
                    "bbox": [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in scene.boxes.tolist()],
                    "categories": [LETTERS[label] for label in scene.labels],
                },
            }
        )
        for scene in scenes
    ]
    return images(scenes, "train/") | {"train/metadata.jsonl": "\n".join(lines).encode()}


def darknet(scenes: Sequence[Scene]) -> Files:
    """As Roboflow writes it: text files and the list of names beside the images."""
    texts = {f"train/{scene.name}.txt": yolo_lines(scene) for scene in scenes}
    return images(scenes, "train/") | texts | {"train/_darknet.labels": "\n".join(LETTERS).encode()}
