"""What CVAT, labelme, Supervisely and others write beyond plain boxes: groups, turns, holes, tracks, splits."""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ingest.layouts.annotated.builders import SIDE, Files, box_of, corners, pictures, save
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

NUMBERS = range(24)
BOXES = {f"{n:02}.png": [box_of(n)] for n in NUMBERS}
PICTURES = pictures(f"images/{name}" for name in BOXES)
EXPECTED = {f"images/{name}": [corners(box) for box in boxes] for name, boxes in BOXES.items()}
PAGES: Files = {}


def cvat(shapes: str, name: str = "images/{0:02}.png", more: str = "") -> Files:
    listed = "".join(
        f'<image id="{n}" name="{name.format(n)}" width="{SIDE}" height="{SIDE}" {more}>{shapes}</image>'
        for n in NUMBERS
    )
    return PICTURES | {"annotations.xml": f"<annotations><version>1.1</version>{listed}</annotations>".encode()}


def test_cvats_z_order_beats_size(tmp_path: Path) -> None:
    small = '<polygon label="small" points="10,10;20,10;20,20;10,20" z_order="{0}"/>'
    large = '<polygon label="large" points="0,0;30,0;30,30;0,30" z_order="{1}"/>'
    for orders, title in (((0, 0), "small"), ((0, 1), "large"), ((1, 0), "small")):
        found, classes = masks_by_image(cvat((small + large).format(*orders)), tmp_path)
        assert classes[found["images/00.png"][15, 15]] == title
        assert classes[found["images/00.png"][25, 25]] == "large"


def test_cvats_turned_boxes_points_and_tags(tmp_path: Path) -> None:
    shapes = '<box label="a" xtl="10" ytl="18" xbr="30" ybr="22" rotation="90"/><points label="a" points="1,1"/>'
    got = boxes_by_image(cvat(shapes + '<tag label="sunny"/>'), tmp_path)
    assert got["images/00.png"] == [("a", 18.0, 10.0, 22.0, 30.0)]
    told = {f.message for f in reported(cvat(shapes), "detection", tmp_path)[0].findings if f.code == "shapes_unused"}
    assert any("24 shapes of the kind points" in message for message in told)


def test_cvats_subsets_are_splits(tmp_path: Path) -> None:
    files = cvat('<box label="a" xtl="1" ytl="1" xbr="9" ybr="9"/>', more='subset="Train"')
    text = files["annotations.xml"].decode()
    files["annotations.xml"] = text.replace('subset="Train"', 'subset="Test"', 6).encode()
    report, _ = reported(files, "detection", tmp_path)
    assert (report.splits["test"], report.splits["train"] + report.splits["val"]) == (6, 18)


def test_cvats_tracks_belong_to_the_frames_they_number(tmp_path: Path) -> None:
    boxes = "".join(
        f'<box frame="{n}" outside="{int(n > 20)}" xtl="{n}" ytl="1" xbr="{n + 9}" ybr="9"/>' for n in NUMBERS
    )
    xml = f'<annotations><track id="0" label="car">{boxes}</track></annotations>'.encode()
    files = pictures(f"images/frame_{n:06}.PNG" for n in range(21)) | {"annotations.xml": xml}
    got = boxes_by_image(files, tmp_path)
    assert got["images/frame_000017.PNG"] == [("car", 17.0, 1.0, 26.0, 9.0)]
    assert len(got) == 21


def labelme(shapes: list[dict[str, object]], n: int) -> bytes:
    stated = {"shapes": shapes, "imagePath": f"{n:02}.png", "imageHeight": SIDE, "imageWidth": SIDE, "imageData": None}
    return json.dumps(stated).encode()


def test_labelmes_groups_circles_and_points(tmp_path: Path) -> None:
    parts: list[dict[str, object]] = [
        {"label": "dog", "group_id": 1, "shape_type": "polygon", "points": [[2, 2], [8, 2], [8, 8], [2, 8]]},
        {"label": "dog", "group_id": 1, "shape_type": "polygon", "points": [[20, 20], [28, 20], [28, 28], [20, 28]]},
        {"label": "dog", "group_id": None, "shape_type": "circle", "points": [[35, 35], [35, 40]]},
        {"label": "dog", "group_id": None, "shape_type": "point", "points": [[35, 35]]},
    ]
    files = PICTURES | {f"images/{n:02}.json": labelme(parts, n) for n in NUMBERS}
    (first, second) = boxes_by_image(files, tmp_path)["images/00.png"]
    assert first == ("dog", 2.0, 2.0, 28.0, 28.0)
    np.testing.assert_allclose(second[1:], (30, 30, 40, 40), atol=0.05)
    assert "kind point" in reported(files, "detection", tmp_path)[1]["shapes_unused"].message


def test_superviselys_holes_and_unused_geometry(tmp_path: Path) -> None:
    square = [[4, 4], [20, 4], [20, 20], [4, 20]]
    hole = [[8, 8], [12, 8], [12, 12], [8, 12]]
    objects = [
        {"classTitle": "ring", "geometryType": "polygon", "points": {"exterior": square, "interior": [hole]}},
        {"classTitle": "ring", "geometryType": "line", "points": {"exterior": square, "interior": []}},
    ]
    stated = json.dumps({"size": {"height": SIDE, "width": SIDE}, "objects": objects}).encode()
    files = pictures(f"p/ds/img/{n:02}.png" for n in NUMBERS) | {f"p/ds/ann/{n:02}.png.json": stated for n in NUMBERS}
    found, _ = masks_by_image(files, tmp_path)
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[4:20, 4:20], expected[8:12, 8:12] = 1, 0
    np.testing.assert_array_equal(found["p/ds/img/07.png"], expected)


def test_supervisely_datasets_with_equal_names_keep_apart(tmp_path: Path) -> None:
    files: Files = pictures(f"p/ds{d}/img/{n:02}.png" for d in (0, 1) for n in range(12))
    for d in (0, 1):
        for n in range(12):
            label, x, y, w, h = box_of(n + 12 * d)
            shape = {
                "classTitle": label,
                "geometryType": "rectangle",
                "points": {"exterior": [[x, y], [x + w, y + h]], "interior": []},
            }
            stated = {"size": {"height": SIDE, "width": SIDE}, "objects": [shape]}
            files[f"p/ds{d}/ann/{n:02}.png.json"] = json.dumps(stated).encode()
    got = boxes_by_image(files, tmp_path)
    assert got["p/ds1/img/03.png"] == [corners(box_of(15))]
    assert got["p/ds0/img/03.png"] == [corners(box_of(3))]


def test_label_studio_names_turns_and_second_annotators(tmp_path: Path) -> None:
    def result(**value: object) -> dict[str, object]:
        held = {"x": 25, "y": 50, "width": 25, "height": 12.5, "rotation": 0, "rectanglelabels": ["cat"]} | value
        return {"type": "rectanglelabels", "original_width": SIDE, "original_height": SIDE, "value": held}

    tasks = [
        {
            "id": n,
            "data": {"image": f"/data/local-files/?d=set/images/{n:02}.png"},
            "annotations": [{"result": [result()]}],
        }
        for n in NUMBERS
    ]
    tasks[1]["annotations"] = [{"result": [result(rotation=90)]}, {"result": [result()]}]
    tasks[2]["annotations"] = [{"was_cancelled": True, "result": []}, {"result": [result()]}]
    files = PICTURES | {"project-1-at-2024.json": json.dumps(tasks).encode()}
    got = boxes_by_image(files, tmp_path)
    assert got["images/00.png"] == got["images/02.png"] == [("cat", 12.0, 24.0, 24.0, 30.0)]
    assert got["images/01.png"] == [("cat", 6.0, 24.0, 12.0, 36.0)]
    held = result()["value"] | {"original_width": SIDE, "original_height": SIDE}  # type: ignore[operator]
    short = [
        {"id": n, "image": f"/data/upload/1/0a1b2c3d-{n:02}.png", "annotation_id": n, "label": [held]} for n in NUMBERS
    ]
    got = boxes_by_image(PICTURES | {"min.json": json.dumps(short).encode()}, tmp_path)
    assert got["images/05.png"] == [("cat", 12.0, 24.0, 24.0, 30.0)]


def test_hugging_face_boxes_of_corners_are_told_by_their_images(tmp_path: Path) -> None:
    def rows(as_corners: bool) -> bytes:
        lines = []
        for n in NUMBERS:
            label, x, y, w, h = ("a", 20 + n, 20, 9, 20)
            four = [x, y, x + w, y + h] if as_corners else [x, y, w, h]
            one = {"bbox": four, "category": label}
            lines.append(
                json.dumps({"file_name": f"images/{n:02}.png", "width": SIDE + 30, "height": SIDE, "objects": [one]})
            )
        return "\n".join(lines).encode()

    wide = {
        f"images/{n:02}.png": save(np.random.default_rng(n).integers(0, 255, (SIDE, SIDE + 30, 3), dtype=np.uint8))
        for n in NUMBERS
    }
    for as_corners in (False, True):
        got = boxes_by_image(wide | {"metadata.jsonl": rows(as_corners)}, tmp_path)
        assert got["images/04.png"] == [("a", 24.0, 20.0, 33.0, 40.0)]


def test_vott_regions_of_two_tags_are_refused(tmp_path: Path) -> None:
    def asset(n: int, tags: list[str]) -> bytes:
        region = {"tags": tags, "type": "RECTANGLE", "boundingBox": {"left": 1, "top": 2, "width": 8, "height": 9}}
        about = {"name": f"{n:02}.png", "path": f"file:/x/{n:02}.png", "size": {"width": SIDE, "height": SIDE}}
        return json.dumps({"asset": about, "regions": [region]}).encode()

    files = PICTURES | {f"images/{n}abc-asset.json": asset(n, ["a"]) for n in NUMBERS}
    assert boxes_by_image(files, tmp_path)["images/09.png"] == [("a", 1.0, 2.0, 9.0, 11.0)]
    files["images/0abc-asset.json"] = asset(0, ["a", "b"])
    assert reported(files, "detection", tmp_path)[1]["label_ambiguous"].path == "images/00.png"


def test_tables_with_splits_lists_and_semicolons(tmp_path: Path) -> None:
    lines = ["image_id;bbox;class;split"]
    for n in NUMBERS:
        label, *four = box_of(n)
        lines.append(f"{n:02};[{', '.join(map(str, four))}];{label};{'test' if n < 6 else 'train'}")
    files = PICTURES | {"boxes.csv": "\n".join(lines).encode()}
    assert boxes_by_image(files, tmp_path) == EXPECTED
    assert reported(files, "detection", tmp_path)[0].splits["test"] == 6
    sixteen = PICTURES | {"boxes.csv": "\n".join(lines).encode("utf-16")}
    assert boxes_by_image(sixteen, tmp_path) == EXPECTED


def test_groups_of_open_images_are_left_out_and_said(tmp_path: Path) -> None:
    lines = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"]
    lines += [f"{n:02},x,/m/1,1,0.25,0.5,0.25,0.75,0,0,{int(n == 3)}" for n in NUMBERS]
    files = PICTURES | {"train-annotations-bbox.csv": "\n".join(lines).encode(), "names.csv": b"/m/1,Cat\n/m/2,Dog\n"}
    got = boxes_by_image(files, tmp_path)
    assert (got["images/03.png"], got["images/04.png"]) == ([], [("Cat", 12.0, 12.0, 24.0, 36.0)])
    assert "kind group" in reported(files, "detection", tmp_path)[1]["shapes_unused"].message


@pytest.mark.parametrize(
    "data",
    ["not base64!", base64.b64encode(b"no zlib").decode(), base64.b64encode(zlib.compress(b"no png")).decode(), "",
     base64.b64encode(zlib.compress(b"\0" * 80_000_000)).decode()],
)  # fmt: skip
def test_hostile_bitmaps_cost_their_image(data: str, tmp_path: Path) -> None:
    def stated(text: str) -> bytes:
        one = {"classTitle": "a", "geometryType": "bitmap", "bitmap": {"data": text, "origin": [0, 0]}}
        return json.dumps({"size": {"height": SIDE, "width": SIDE}, "objects": [one]}).encode()

    good = base64.b64encode(zlib.compress(save(Image.fromarray(np.ones((5, 5), bool))))).decode()
    files = pictures(f"img/{n:02}.png" for n in NUMBERS)
    files |= {f"ann/{n:02}.png.json": stated(data if n == 0 else good) for n in NUMBERS}
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.accepted, found["region_malformed"].path) == (23, "img/00.png")


def test_tfrecord_is_refused_with_what_to_export_instead(tmp_path: Path) -> None:
    files = {"train/cells.tfrecord": b"\x08\0\0\0\0\0\0\0", "train/cells_label_map.pbtxt": b"item {}"}
    report, found = reported(files, "detection", tmp_path)
    assert (report.status, "COCO" in (found["tfrecord_not_read"].fix or "")) == ("invalid", True)


def test_labelmes_old_xml_is_read_as_polygons(tmp_path: Path) -> None:
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((4, 5), (20, 5), (20, 15), (4, 15)))
    gone = f"<object><name>dog</name><deleted>1</deleted><polygon>{points}</polygon></object>"
    for n in NUMBERS:
        shape = f"<object><name>cat</name><deleted>0</deleted><polygon>{points}</polygon></object>"
        PAGES[f"images/{n:02}.xml"] = f"<annotation><filename>{n:02}.png</filename>{shape}{gone}</annotation>".encode()
    assert boxes_by_image(PICTURES | PAGES, tmp_path)["images/07.png"] == [("cat", 4.0, 5.0, 20.0, 15.0)]
    found, classes = masks_by_image(PICTURES | PAGES, tmp_path)
    assert (classes, int(found["images/07.png"].sum())) == (["background", "cat"], 160)


def test_a_set_that_names_no_class_has_one(tmp_path: Path) -> None:
    region = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 8, "height": 9}, "region_attributes": {}}
    held = {f"{n}": {"filename": f"{n:02}.png", "size": 5, "regions": {"0": region}} for n in NUMBERS}
    files = PICTURES | {"via_region_data.json": json.dumps(held).encode()}
    assert boxes_by_image(files, tmp_path)["images/11.png"] == [("object", 1.0, 2.0, 9.0, 11.0)]
    assert "--map object=NAME" in (reported(files, "detection", tmp_path)[1]["classes_unnamed"].fix or "")
    lines = ["image_id,width,height,bbox"] + [f'{n:02},{SIDE},{SIDE},"[1.0, 2.0, 8.0, 9.0]"' for n in NUMBERS]
    files = PICTURES | {"train.csv": "\n".join(lines).encode()}
    assert boxes_by_image(files, tmp_path)["images/11.png"] == [("object", 1.0, 2.0, 9.0, 11.0)]


def test_tables_named_by_their_split_mean_the_pictures_of_that_split(tmp_path: Path) -> None:
    files: Files = pictures([f"train/{n:02}.png" for n in range(16)] + [f"test/{n:02}.png" for n in range(8)])
    head = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    for split, count in (("train", 16), ("test", 8)):
        rows = [f"{n:02}.png,{SIDE},{SIDE},a,{n},{len(split)},30,40" for n in range(count)]
        files[f"{split}_labels.csv"] = (head + "\n".join(rows)).encode()
    got = boxes_by_image(files, tmp_path)
    assert (got["train/03.png"], got["test/03.png"]) == ([("a", 3.0, 5.0, 30.0, 40.0)], [("a", 3.0, 4.0, 30.0, 40.0)])
