"""Scenes as other people's tools export them, as file name -> content: boxes, polygons of boxes, and bitmaps.

Each builder takes `regions`: False for rectangles, True for regions. Where a tool has bitmaps these are the letters
themselves, else the letters' boxes as polygons.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tests.data.layouts import Files, images
from tests.data.scenes import LETTERS, Scene


def cvat(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    pages = []
    for at, scene in enumerate(scenes):
        height, width = scene.mask.shape
        shapes = "".join(_cvat_shape(scene, number, regions) for number in range(len(scene.labels)))
        pages.append(f'<image id="{at}" name="{scene.name}.png" width="{width}" height="{height}">{shapes}</image>')
    labels = "".join(f"<label><name>{letter}</name></label>" for letter in LETTERS)
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    xml = f'<?xml version="1.0"?><annotations><version>1.1</version>{meta}{"".join(pages)}</annotations>'
    return images(scenes, "images/") | {"annotations.xml": xml.encode()}


def _cvat_shape(scene: Scene, number: int, regions: bool) -> str:
    label, (x1, y1, x2, y2) = LETTERS[scene.labels[number]], scene.boxes[number].tolist()
    if not regions:
        return f'<box label="{label}" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}" occluded="0" z_order="0"></box>'
    filled, left, top = cut_out(scene, number)
    text = ", ".join(map(str, _row_runs(filled)))
    height, width = filled.shape
    return (
        f'<mask label="{label}" rle="{text}" left="{left}" top="{top}" width="{width}" height="{height}" z_order="0"/>'
    )


def _row_runs(filled: np.ndarray) -> list[int]:
    """Lengths of 0 and 1 by turns, row by row, beginning with 0."""
    runs, value, length = [], False, 0
    for pixel in filled.reshape(-1).tolist():
        if pixel != value:
            runs.append(length)
            value, length = pixel, 0
        length += 1
    return [*runs, length]


def labelme(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    files = images(scenes, "set/")
    for scene in scenes:
        height, width = scene.mask.shape
        shapes = [_labelme_shape(scene, number, regions) for number in range(len(scene.labels))]
        page = {
            "version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": f"..\\set\\{scene.name}.png",
            "imageData": None, "imageHeight": height, "imageWidth": width,
        }  # fmt: skip
        files[f"set/{scene.name}.json"] = json.dumps(page).encode()
    return files


def _labelme_shape(scene: Scene, number: int, regions: bool) -> dict[str, object]:
    x1, y1, x2, y2 = scene.boxes[number].tolist()
    shape = {"label": LETTERS[scene.labels[number]], "group_id": None, "flags": {}, "points": [[x1, y1], [x2, y2]]}
    if not regions:
        return shape | {"shape_type": "rectangle"}
    filled, left, top = cut_out(scene, number)
    points = [[left, top], [left + filled.shape[1] - 1, top + filled.shape[0] - 1]]
    return shape | {"shape_type": "mask", "points": points, "mask": base64.b64encode(_bitmap(filled)).decode()}


def supervisely(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    kinds = "bitmap" if regions else "rectangle"
    meta = {"classes": [{"title": letter, "shape": kinds, "color": "#112233"} for letter in LETTERS], "tags": []}
    files = images(scenes, "project/ds0/img/") | {"project/meta.json": json.dumps(meta).encode()}
    for scene in scenes:
        height, width = scene.mask.shape
        objects = [_supervisely_object(scene, number, regions) for number in range(len(scene.labels))]
        page = {"description": "", "tags": [], "size": {"height": height, "width": width}, "objects": objects}
        files[f"project/ds0/ann/{scene.name}.png.json"] = json.dumps(page).encode()
    return files


def _supervisely_object(scene: Scene, number: int, regions: bool) -> dict[str, object]:
    x1, y1, x2, y2 = scene.boxes[number].tolist()
    named = {"classTitle": LETTERS[scene.labels[number]], "tags": []}
    if not regions:
        return named | {"geometryType": "rectangle", "points": {"exterior": [[x1, y1], [x2, y2]], "interior": []}}
    filled, left, top = cut_out(scene, number)
    data = base64.b64encode(zlib.compress(_bitmap(filled))).decode()
    return named | {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [left, top]}}


def label_studio(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    tasks = []
    for at, scene in enumerate(scenes):
        results = [_studio_result(scene, number, regions) for number in range(len(scene.labels))]
        image = f"/data/upload/3/{at:08x}-{scene.name}.png"
        tasks.append({"id": at, "data": {"image": image}, "annotations": [{"id": at, "result": results}]})
    return images(scenes, "images/") | {"project-3.json": json.dumps(tasks).encode()}


def _studio_result(scene: Scene, number: int, regions: bool) -> dict[str, object]:
    height, width = scene.mask.shape
    result = {"original_width": width, "original_height": height, "image_rotation": 0, "from_name": "label"}
    letter, (x1, y1, x2, y2) = LETTERS[scene.labels[number]], (scene.boxes[number] * 100).tolist()
    if not regions:
        value = {"x": x1 / width, "y": y1 / height, "width": (x2 - x1) / width, "height": (y2 - y1) / height}
        return result | {"type": "rectanglelabels", "value": value | {"rotation": 0, "rectanglelabels": [letter]}}
    rle = brushed(scene.instances == number + 1)
    return result | {"type": "brushlabels", "value": {"format": "rle", "rle": rle, "brushlabels": [letter]}}


def brushed(filled: np.ndarray) -> list[int]:
    """Label Studio's run lengths: of each pixel four values, of which the last is its opacity."""
    values = np.zeros((*filled.shape, 4), np.uint8)
    values[filled] = (255, 0, 0, 255)
    flat = values.reshape(-1).tolist()
    bits = [f"{len(flat):032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in (3, 4, 8, 16))]
    at = 0
    while at < len(flat):
        end = at + 1
        while end < len(flat) and flat[end] == flat[at] and end - at < 1 << 16:
            end += 1
        if end - at > 4:
            bits.append(f"1{3:02b}{end - at - 1:016b}{flat[at]:08b}")
        else:
            end = min(at + 8, len(flat))
            bits.append(f"0{0:02b}{end - at - 1:03b}" + "".join(f"{value:08b}" for value in flat[at:end]))
        at = end
    text = "".join(bits)
    return list(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"))


def via(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    held = {}
    for scene in scenes:
        parts = [
            {"shape_attributes": _via_shape(box, regions), "region_attributes": {"class": LETTERS[label]}}
            for box, label in zip(scene.boxes.tolist(), scene.labels, strict=True)
        ]
        held[f"{scene.name}.png123"] = {"filename": f"{scene.name}.png", "size": 123, "regions": parts}
    project = {"_via_settings": {}, "_via_img_metadata": held, "_via_attributes": {}}
    return images(scenes, "images/") | {"via_project.json": json.dumps(project).encode()}


def via_csv(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    rows: list[list[object]] = [
        [
            "filename",
            "file_size",
            "file_attributes",
            "region_count",
            "region_id",
            "region_shape_attributes",
            "region_attributes",
        ]
    ]
    for scene in scenes:
        count = len(scene.labels)
        for number, (box, label) in enumerate(zip(scene.boxes.tolist(), scene.labels, strict=True)):
            shape, about = json.dumps(_via_shape(box, regions)), json.dumps({"class": LETTERS[label]})
            rows.append([f"{scene.name}.png", 123, "{}", count, number, shape, about])
        if not count:
            rows.append([f"{scene.name}.png", 123, "{}", 0, 0, "{}", "{}"])
    return images(scenes, "images/") | {"via_export_csv.csv": table(rows)}


def _via_shape(box: list[float], regions: bool) -> dict[str, object]:
    x1, y1, x2, y2 = box
    if regions:
        return {"name": "polygon", "all_points_x": [x1, x2, x2, x1], "all_points_y": [y1, y1, y2, y2]}
    return {"name": "rect", "x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}


def vott(scenes: Sequence[Scene], *, regions: bool = False) -> Files:
    assets = {}
    for at, scene in enumerate(scenes):
        height, width = scene.mask.shape
        found = [
            {
                "id": str(number), "tags": [LETTERS[label]], "type": "POLYGON" if regions else "RECTANGLE",
                "boundingBox": {"left": x1, "top": y1, "width": x2 - x1, "height": y2 - y1},
                "points": [{"x": x1, "y": y1}, {"x": x2, "y": y1}, {"x": x2, "y": y2}, {"x": x1, "y": y2}],
            }
            for number, ((x1, y1, x2, y2), label) in enumerate(zip(scene.boxes.tolist(), scene.labels, strict=True))
        ]  # fmt: skip
        asset = {
            "name": f"{scene.name}.png",
            "path": f"file:C:/work/{scene.name}.png",
            "size": {"width": width, "height": height},
        }
        assets[f"id{at}"] = {"asset": asset, "regions": found, "version": "2.2.0"}
    project = {"name": "letters", "tags": [{"name": letter} for letter in LETTERS], "assets": assets}
    return images(scenes, "vott-json-export/") | {"vott-json-export/letters-export.json": json.dumps(project).encode()}


def createml(scenes: Sequence[Scene]) -> Files:
    listed = [
        {
            "image": f"{scene.name}.png",
            "annotations": [
                {
                    "label": LETTERS[label],
                    "coordinates": {"x": (x1 + x2) / 2, "y": (y1 + y2) / 2, "width": x2 - x1, "height": y2 - y1},
                }
                for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels, strict=True)
            ],
        }
        for scene in scenes
    ]
    return images(scenes, "train/") | {"train/_annotations.createml.json": json.dumps(listed).encode()}


def cut_out(scene: Scene, number: int) -> tuple[np.ndarray, int, int]:
    """The pixels of one letter, and where their upper left corner lies."""
    whole = scene.instances == number + 1
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    return whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(columns[0]), int(rows[0])


def table(rows: Sequence[Sequence[object]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def _bitmap(filled: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(filled).save(file, "PNG")
    return file.getvalue()
