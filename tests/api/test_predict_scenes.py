"""Predictions of segmentation and detection networks, as the bundle's own postprocess.py makes them."""

from __future__ import annotations

import base64
import json
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from core.database.database import transaction
from core.tables import DatasetVersion, Model
from tests.api import served
from tests.api.served import HEIGHT, LABELS, WIDTH, Served
from tests.api.serving import Caller
from tests.portable.test_infer import as_file, picture

ANCHORS = np.array([[1, 2, 5, 8], [0, 0, 2, 2], [1, 2, 5, 9]], np.float32)
SCORES = np.array([[0.9, 0.0], [0.1, 0.4], [0.8, 0.0]], np.float32)  # the third overlaps the first


def detector(path: Path, _mode: str, _seed: int) -> None:
    """Says the same of every image."""
    scores = np.pad(SCORES, ((0, 0), (0, len(LABELS) - 2)))
    save(path, {"boxes": ANCHORS[None], "scores": scores[None]})


def segmenter(path: Path, _mode: str, _seed: int) -> None:
    """The left half shows the second class, the right the first."""
    logits = np.zeros((1, len(LABELS), HEIGHT, WIDTH), np.float32)
    logits[:, 1, :, : WIDTH // 2], logits[:, 0, :, WIDTH // 2 :] = 9, 9
    save(path, {"logits": logits})


def save(path: Path, said: dict[str, np.ndarray]) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in said.items()]
    nodes = [helper.make_node("Identity", [f"{name}.constant"], [name]) for name in said]
    constants = [numpy_helper.from_array(value, f"{name}.constant") for name, value in said.items()]
    graph = helper.make_graph(nodes, "net", [image], outputs, constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    rules = served.rules() | {"output": ", ".join(said)}
    helper.set_model_props(proto, {"labels": json.dumps(LABELS), "preprocess": json.dumps(rules)})
    onnx.save(proto, path)


@pytest.fixture
def net(request: pytest.FixtureRequest, version: DatasetVersion, tmp_path: Path) -> Served:
    task, write = request.param
    model = served.published(version, tmp_path / "classifier").model
    with transaction() as session:
        session.get_one(Model, model.id).task = task
    model.task = task
    return served.export(model, tmp_path / "made", write=write, measured={"ap": 0.5, "mean_iou": 0.5})


def post(caller: Caller, net: Served, **more):
    file = as_file(picture("RGB", (40, 24)), "JPEG", orientation=6)  # 24 wide and 40 high once it is upright
    params = {"export": net.export.id} | more.pop("params", {})
    headers = {"Content-Type": "image/jpeg"} | more.pop("headers", {})
    return caller.post(f"/v1/models/{net.model.id}/predict", content=file, headers=headers, params=params)


@pytest.mark.parametrize("net", [("detection", detector)], indirect=True)
def test_boxes_are_in_pixels_of_the_upright_image_and_chosen_among(ours: Caller, net: Served) -> None:
    answer = post(ours, net)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["task"], said["image_size"]) == ("detection", [40, 24])
    first, second = said["detections"]
    assert (first["label"], first["score"]) == (LABELS[0], pytest.approx(0.9))
    assert first["box"] == pytest.approx([1 * 2.4, 2 * 40 / 12, 5 * 2.4, 8 * 40 / 12], abs=0.01)
    assert (second["label"], second["score"]) == (LABELS[1], pytest.approx(0.4))
    assert len(post(ours, net, params={"threshold": 0.5}).json()["detections"]) == 1
    assert len(post(ours, net, params={"threshold": 0.05}).json()["detections"]) == 3
    assert post(ours, net, params={"threshold": 1.1}).status_code == 422
    refused = post(ours, net, params={"top": 3})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#query/top"


@pytest.mark.parametrize("net", [("segmentation", segmenter)], indirect=True)
def test_masks_come_with_their_shares_or_as_a_picture(ours: Caller, net: Served) -> None:
    said = post(ours, net, params={"top": 1}).json()
    assert (said["task"], said["image_size"], said["labels"]) == ("segmentation", [40, 24], LABELS)
    [largest] = said["classes"]
    assert largest["share"] == 0.5
    mask = np.asarray(Image.open(BytesIO(base64.b64decode(said["mask"]))))
    assert mask.shape == (HEIGHT, WIDTH)
    assert (mask[:, : WIDTH // 2] == 1).all()
    assert (mask[:, WIDTH // 2 :] == 0).all()
    alone = post(ours, net, headers={"Accept": "image/png"})
    assert alone.headers["Content-Type"] == "image/png"
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(alone.content))), mask)


LETTERBOX = {"version": 2, "fit": "letterbox", "padding": 114}
CONTENT = (12, 7)  # of a frame of 12 x 10: what an image of 40 x 24 takes of it


def letterboxed(path: Path, mode: str, seed: int, *, write, more: dict | None = None) -> None:
    write(path, mode, seed)
    proto = onnx.load(path)
    for entry in proto.metadata_props:
        if entry.key == "preprocess":
            entry.value = json.dumps(json.loads(entry.value) | LETTERBOX | (more or {}))
    onnx.save(proto, path)


def tiled(path: Path, mode: str, seed: int, *, shrink: int) -> None:
    letterboxed(path, mode, seed, write=detector, more={"version": 3, "tiles": {"shrink": shrink, "overlap": 0.25}})


@pytest.mark.parametrize("net", [("detection", partial(letterboxed, write=detector))], indirect=True)
def test_boxes_of_an_image_that_kept_its_aspect_ratio_are_in_its_own_pixels(ours: Caller, net: Served) -> None:
    said = post(ours, net).json()
    scale = [24 / CONTENT[1], 40 / CONTENT[0]] * 2
    for found, box in zip(said["detections"], ANCHORS[[0, 1]], strict=True):
        assert found["box"] == pytest.approx(box * scale, abs=0.01)


@pytest.mark.parametrize("net", [("segmentation", partial(letterboxed, write=segmenter))], indirect=True)
def test_the_mask_of_an_image_that_kept_its_aspect_ratio_has_no_padding(ours: Caller, net: Served) -> None:
    said = post(ours, net).json()
    mask = np.asarray(Image.open(BytesIO(base64.b64decode(said["mask"]))))
    assert mask.shape == CONTENT
    assert {one["label"]: one["share"] for one in said["classes"]} == pytest.approx(
        {LABELS[1]: 5 / 7, LABELS[0]: 2 / 7}
    )


@pytest.mark.parametrize("net", [("detection", partial(tiled, shrink=1))], indirect=True)
def test_an_image_of_several_tiles_is_refused_with_the_way_to_run_it(ours: Caller, net: Served) -> None:
    answer = post(ours, net)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "image_is_tiles"
    assert "The image is 15 tiles" in problem["detail"]
    assert "infer.py" in problem["detail"]


@pytest.mark.parametrize("net", [("detection", partial(tiled, shrink=4))], indirect=True)
def test_an_image_of_one_tile_is_run_as_a_letterboxed_one(ours: Caller, net: Served) -> None:
    said = post(ours, net).json()
    scale = [24 / CONTENT[1], 40 / CONTENT[0]] * 2
    for found, box in zip(said["detections"], ANCHORS[[0, 1]], strict=True):
        assert found["box"] == pytest.approx(box * scale, abs=0.01)
