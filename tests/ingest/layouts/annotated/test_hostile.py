"""Annotations that promise far more than they hold take little memory, whatever reader they are made for."""

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ingest.archives import zipped
from tests.ingest.layouts.annotated.builders import SIDE, pictures, save
from tests.ingest.test_main import MIB, run

PICTURES = pictures(f"images/{n:02}.png" for n in range(24))
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]><annotations>&m;</annotations>"
)
MASK = (
    b'<annotations><image name="00.png"><mask label="a" rle="%d" left="0" top="0" width="11000" height="11000"/>'
    b"</image>"
)
TABLE = b"filename,width,height,class,xmin,ymin,xmax,ymax\n"


def wide_labelme() -> bytes:
    points = [[n % SIDE, 7 * n % SIDE] for n in range(400_000)]
    return json.dumps({"shapes": [{"label": "a", "points": points}], "imagePath": "00.png"}).encode()


def supervisely_bitmap() -> bytes:
    data = base64.b64encode(zlib.compress(save(Image.fromarray(np.ones((9_000, 9_000), bool))))).decode()
    one = {"classTitle": "a", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [0, 0]}}
    return json.dumps({"size": {"height": SIDE, "width": SIDE}, "objects": [one]}).encode()


BOMBS: dict[str, tuple[str, Callable[[], dict[str, bytes]]]] = {
    "laughs": ("detection", lambda: {"annotations.xml": LAUGHS.encode()}),
    "deep_xml": ("detection", lambda: {"annotations.xml": b"<annotations>" + b"<a>" * 2_000_000}),
    "many_elements": ("detection", lambda: {"annotations.xml": b"<annotations>" + b"<image/>" * 700_000}),
    "mask_without_end": ("segmentation", lambda: {"annotations.xml": MASK % 121_000_000 + b"</annotations>"}),
    "deep_json": ("detection", lambda: {"a.json": b'{"shapes":' * 300_000}),
    "wide_json": ("detection", lambda: {"a.json": b"[" + b"{}," * 4_000_000 + b"{}]"}),
    "points_without_end": ("segmentation", lambda: {"a.json": wide_labelme()}),
    "large_bitmap": ("segmentation", lambda: {"ann/00.png.json": supervisely_bitmap()}),
    "many_lines": ("detection", lambda: {f"labels/{n:02}.txt": b"0 .5 .5 .1 .1\n" * 200_000 for n in range(12)}),
    "long_line": ("detection", lambda: {"labels/00.txt": b"0" + b" 0.5" * 1_000_000}),
    "many_names": (
        "detection",
        lambda: {"a.csv": TABLE + b"".join(b"%d.png,48,48,a,1,1,9,9\n" % n for n in range(300_000))},
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_annotations_take_little_memory(name: str, tmp_path: Path) -> None:
    task, build = BOMBS[name]
    ended = run(zipped(PICTURES | build()), tmp_path, "--task", task)
    assert ended.code in {0, 3}
    assert ended.peak_bytes < 200 * MIB
