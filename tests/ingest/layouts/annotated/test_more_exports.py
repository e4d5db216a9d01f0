"""Boxes as public sets and tools write them: sides in columns, corners for sides, XML without a suffix, and more."""

import json
from pathlib import Path

import pytest

from tests.ingest.archives import parquet
from tests.ingest.layouts.annotated.builders import SIDE, Box, Files, box_of, coco, pictures, save, values, voc_page
from tests.ingest.layouts.annotated.builders import corners as corners_of
from tests.ingest.layouts.annotated.reading import boxes_by_image, reported

NUMBERS = range(24)
IMAGES = pictures(f"images/{n:02}.png" for n in NUMBERS)
BOXES = {n: box_of(n) for n in NUMBERS}


def expected(boxes: dict[int, Box] = BOXES) -> dict[str, list[tuple[object, ...]]]:
    return {f"images/{n:02}.png": [corners_of(box)] for n, box in boxes.items()}


def table(header: str, row: str, boxes: dict[int, Box] = BOXES) -> Files:
    """`row` knows n, label, x, y, w, h, the second corner a, b, and the middle cx, cy."""
    lines = [header]
    for n, (label, x, y, w, h) in boxes.items():
        lines.append(row.format(n=n, label=label, x=x, y=y, w=w, h=h, a=x + w, b=y + h, cx=x + w / 2, cy=y + h / 2))
    return IMAGES | {"boxes.csv": "\n".join(lines).encode()}


TABLES = [
    ("image,x,y,w,h,label", "{n:02}.png,{x},{y},{w},{h},{label}", "the upper left corner"),
    ("image_id,class,x_min,y_min,width,height", "{n:02},{label},{x},{y},{w},{h}", "the upper left corner"),
    ("patientId,x,y,width,height,Target", "{n:02},{x}.0,{y}.0,{w}.0,{h}.0,{label}", "the upper left corner"),
    ("image,x_center,y_center,width,height,label", "{n:02}.png,{cx},{cy},{w},{h},{label}", "the middle"),
    ("Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId", "{n:02}.png;48;48;{x};{y};{a};{b};{label}", ""),
]


@pytest.mark.parametrize(("header", "row", "said"), TABLES)
def test_columns_of_boxes_are_read_and_sides_are_said(header: str, row: str, said: str, tmp_path: Path) -> None:
    files = table(header, row)
    assert boxes_by_image(files, tmp_path) == expected()
    found = reported(files, "detection", tmp_path)[1].get("box_columns")
    assert (said in found.message) if found else not said


def test_a_text_of_images_and_corners_is_a_table(tmp_path: Path) -> None:
    lines = [f"{n:02}.png;{x};{y};{x + w};{y + h};{label}" for n, (label, x, y, w, h) in BOXES.items()]
    assert boxes_by_image(IMAGES | {"images/gt.txt": "\n".join(lines).encode()}, tmp_path) == expected()


def test_tables_of_old_windows_keep_their_letters(tmp_path: Path) -> None:
    files = table("image,xmin,ymin,xmax,ymax,label", "{n:02}.png,{x},{y},{a},{b},caf\u00e9-{label}")
    files["boxes.csv"] = files["boxes.csv"].decode().encode("cp850")
    assert {box[0] for boxes in boxes_by_image(files, tmp_path).values() for box in boxes} == {
        "caf\u00e9-a",
        "caf\u00e9-b",
    }


def test_xml_without_a_suffix_is_read(tmp_path: Path) -> None:
    pages = {f"Annotation/{n:02}": voc_page([box], f"{n:02}") for n, box in BOXES.items()}
    assert boxes_by_image(IMAGES | pages, tmp_path) == expected()


def test_files_that_differ_in_case_belong_together(tmp_path: Path) -> None:
    names = {n: f"images/IMG_{n:02}.PNG" for n in NUMBERS}
    texts = {f"labels/img_{n:02}.txt": b"0 0.5 0.5 0.2 0.2" for n in NUMBERS}
    assert reported(pictures(names.values()) | texts, "detection", tmp_path)[0].accepted == 24


FAR = {n: (box_of(n)[0], 24 + n % 5, 25 + n % 4, 12, 9) for n in NUMBERS}  # twice their place is beyond the image


def as_corners(kind: str) -> Files:
    stated = {n: (label, x, y, x + w, y + h) for n, (label, x, y, w, h) in FAR.items()}
    if kind == "coco":
        return IMAGES | coco({f"images/{n:02}.png": [box] for n, box in stated.items()})
    if kind == "yolo":
        return IMAGES | {
            f"labels/{n:02}.txt": " ".join(["0", *(str(value / SIDE) for value in box[1:])]).encode()
            for n, box in stated.items()
        }
    if kind == "list":
        return table("image,label,bbox", '{n:02}.png,{label},"[{x}, {y}, {a}, {b}]"', FAR)
    lines = [
        json.dumps({"file_name": f"{n:02}.png", "objects": {"bbox": [box[1:]], "categories": [box[0]]}})
        for n, box in stated.items()
    ]
    return IMAGES | {"images/metadata.jsonl": "\n".join(lines).encode()}


@pytest.mark.parametrize("kind", ["coco", "list", "hugging_face"])
def test_corners_in_the_place_of_sides_are_refused_by_that_name(kind: str, tmp_path: Path) -> None:
    report, found = reported(as_corners(kind), "detection", tmp_path)
    assert report.status == "invalid"
    assert "x1, y1, x2, y2" in next(iter(found.values())).message


def test_corners_in_yolo_are_suspected_where_all_boxes_fit_both_ways(tmp_path: Path) -> None:
    assert "boxes_maybe_corners" in reported(as_corners("yolo"), "detection", tmp_path)[1]
    lines = {f"labels/{n:02}.txt": b"0 0.6 0.5 0.5 0.6" for n in NUMBERS}
    assert "boxes_maybe_corners" not in reported(IMAGES | lines, "detection", tmp_path)[1]


FOREIGN = {
    "Labelbox": ("export.ndjson", '{"data_row": {"id": "x"}}'),
    "V7": ("a/00.json", '{"version": "2.0", "item": {"name": "00.png", "slots": []}, "annotations": []}'),
    "Datumaro": ("default.json", '{"info": {}, "categories": {"label": {"labels": []}}, "items": []}'),
    "BDD100K": ("det.json", '[{"name": "00.png", "labels": [{"category": "car", "box2d": {"x1": 1}}]}]'),
    "sloth": ("labels.json", '[{"class": "image", "filename": "00.png", "annotations": []}]'),
    "run lengths": ("train.csv", "ImageId,EncodedPixels\n00.png,1 5\n"),
    "MOT": ("gt/gt.txt", "1,1,2,3,10,10,1,1,1.0\n2,1,2,3,10,10,1,1,1.0\n"),
    "WIDER": ("wider.txt", "0--Parade/00.png\n1\n1 2 10 12 0 0 0 0 0 0\n"),
    "MATLAB": ("digitStruct.mat", "x"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_formats_that_are_not_read_are_called_by_their_names(name: str, tmp_path: Path) -> None:
    path, text = FOREIGN[name]
    found = reported(IMAGES | {path: text.encode()}, "detection", tmp_path)[1]["no_annotations"]
    assert name in found.message
    assert path in found.message
    assert found.fix


def test_parquet_of_masks_is_refused_as_such(tmp_path: Path) -> None:
    shard = parquet({"image": [next(iter(IMAGES.values()))], "mask": [save(values(1))]})
    found = reported({"data/train-00000-of-00001.parquet": shard}, "segmentation", tmp_path)[1]
    assert "Parquet" in found["no_annotations"].message
