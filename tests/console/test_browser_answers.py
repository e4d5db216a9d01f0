"""The page Try it with the exported file in the browser itself: it says what the api says, within 1e-3."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Locator, Page, expect

from api import browser_runtime
from core.database.database import transaction
from core.tables import DatasetVersion, Model
from tests.api import served
from tests.api.served import HEIGHT, LABELS, WIDTH, Served
from tests.api.serving import Caller
from tests.console import int8_networks
from tests.console.conftest import PATIENCE_MS, enter
from tests.portable.test_infer import as_file, picture

AGREE = 1e-3
# Its int8 kernels round in other places: onnxruntime itself differs by 0.005 with and without its optimisations.
AGREE_ON_INT8_BOXES = 0.01
SURE = 0.3  # what is shown
ASK_HERE = "Answer in this browser, too"
PICTURES = {
    "photo.jpg": as_file(picture("RGB", (641, 427)), "JPEG"),
    "odd.jpg": as_file(picture("RGB", (33, 21)), "JPEG"),
    **{f"turned-{n}.jpg": as_file(picture("RGB", (31, 20)), "JPEG", orientation=n) for n in (3, 6, 7)},
    "gray.jpg": as_file(picture("L", (30, 23)), "JPEG"),
    "rgb.png": as_file(picture("RGB", (37, 19)), "PNG"),
    **{f"turned-{n}.png": as_file(picture("RGB", (31, 20)), "PNG", orientation=n) for n in range(2, 9)},
    "alpha.png": as_file(picture("RGBA", (30, 20)), "PNG"),
    "palette.png": as_file(picture("P with transparency", (30, 20)), "PNG"),
    "black-and-white.png": as_file(picture("1", (30, 20)), "PNG"),
    "lossy.webp": as_file(picture("RGB", (35, 21)), "WEBP"),
    "alpha.webp": as_file(picture("RGBA", (35, 21)), "WEBP"),
    "turned.webp": as_file(picture("RGB", (35, 21)), "WEBP", orientation=6),
    "lossless.webp": as_file(picture("RGBA", (35, 21)), "WEBP", lossless=True),
    "thin.png": as_file(picture("RGB", (1, 40)), "PNG"),
}

RUNTIME = any((folder / "ort.wasm.min.mjs.gz").is_file() for folder in browser_runtime.FOLDERS)
needs_runtime = pytest.mark.skipif(
    not RUNTIME,
    reason="onnxruntime-web is not installed: make browser-runtime",
)


def stating(path: Path, mode: str, seed: int, *, write: Callable[..., None], more: dict) -> None:
    """A network, with other rules of how it sees."""
    write(path, mode, seed)
    proto = onnx.load(path)
    for entry in proto.metadata_props:
        if entry.key == "preprocess":
            entry.value = json.dumps(json.loads(entry.value) | more)
    onnx.save(proto, path)


def by_pixels(path: Path, said: dict[str, tuple[int, ...]], bases: dict[str, np.ndarray], seed: int) -> None:
    """Outputs of these shapes, each a sum of all pixels beside its base."""
    random = np.random.default_rng(seed)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    nodes, constants, outputs = [helper.make_node("Flatten", ["image"], ["flat"], axis=1)], [], []
    for name, shape in said.items():
        weights = random.standard_normal((3 * HEIGHT * WIDTH, int(np.prod(shape)))).astype(np.float32) / 40
        values = {"weights": weights, "shape": np.array(shape), "base": bases[name].astype(np.float32)}
        constants += [numpy_helper.from_array(value, f"{name}.{part}") for part, value in values.items()]
        nodes += [
            helper.make_node("MatMul", ["flat", f"{name}.weights"], [f"{name}.sums"]),
            helper.make_node("Reshape", [f"{name}.sums", f"{name}.shape"], [f"{name}.shaped"]),
            helper.make_node("Add", [f"{name}.shaped", f"{name}.base"], [f"{name}.raw"]),
            helper.make_node("Sigmoid" if name == "scores" else "Identity", [f"{name}.raw"], [name]),
        ]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    graph = helper.make_graph(nodes, "net", [image], outputs, constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    rules = served.rules() | {"output": ", ".join(said)}
    helper.set_model_props(proto, {"labels": json.dumps(LABELS), "preprocess": json.dumps(rules)})
    onnx.save(proto, path)


def segments_by_pixels(path: Path, _mode: str, seed: int) -> None:
    by_pixels(path, {"logits": (1, len(LABELS), HEIGHT, WIDTH)}, {"logits": np.zeros(1)}, seed)


def boxes_by_pixels(path: Path, _mode: str, seed: int) -> None:
    """Twenty anchors, of which many overlap and some lie in the padding."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, 8, (20, 2))
    anchors = np.concatenate([low, low + random.uniform(2, 6, (20, 2))], axis=1)[None]
    shapes = {"boxes": (1, 20, 4), "scores": (1, 20, len(LABELS))}
    by_pixels(path, shapes, {"boxes": anchors, "scores": np.array(-1.0)}, seed)


@pytest.fixture
def answering(page: Page, ours: Caller, version: DatasetVersion, tmp_path: Path) -> Callable[..., Locator]:
    """Asks for a picture, both ways; gives what is shown of it."""

    def make(task: str = "classification", *, mode: str = "RGB", write: Callable[..., None] = served.network) -> Served:
        model = served.published(version, tmp_path / f"{task}-{mode}").model
        with transaction() as session:
            session.get_one(Model, model.id).task = task
        model.task = task
        net = served.export(model, tmp_path / f"{task}-{mode}-made", mode=mode, write=write, measured={"ap": 1.0})
        enter(page, ours, f"models/{model.id}/try")
        page.get_by_label("File that answers").select_option(net.export.id)
        return net

    return make


def ask(page: Page, name: str, content: bytes) -> Locator:
    page.get_by_label("Pictures").set_input_files([{"name": name, "mimeType": "image/x", "buffer": content}])
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name, exact=True)).first


def figures(card: Locator, by: str) -> list[tuple[str, float]]:
    table = card.get_by_role("table", name=f"Answer of {by}")
    expect(table).to_be_visible(timeout=PATIENCE_MS)
    rows = table.get_by_role("row").filter(has=table.page.get_by_role("rowheader")).all()  # none where no box was found
    return [
        (row.get_by_role("rowheader").inner_text(), float(row.locator("data").get_attribute("value") or ""))
        for row in rows
    ]


def disagreement(card: Locator) -> str | None:
    """Of what the two say; None where there is none."""
    service, browser = sorted(figures(card, "the service")), sorted(figures(card, "this browser"))
    if [label for label, _ in browser] != [label for label, _ in service]:
        return f"{service} {browser}"
    apart = max((abs(one - other) for (_, one), (_, other) in zip(service, browser, strict=True)), default=0.0)
    return f"{service} {browser}" if apart > AGREE else None


def shown(answer: Locator) -> str | list[list[float]]:
    """The boxes, or the pixels of the mask, as they are drawn over the picture."""
    if answer.locator("canvas").count():
        return answer.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    corners = "boxes => boxes.map(box => ['x', 'y', 'width', 'height'].map(name => Number(box.getAttribute(name))))"
    return [list(box) for box in answer.locator("rect").evaluate_all(corners)]


@needs_runtime
@pytest.mark.slow  # `make ui-test` installs the runtime
@pytest.mark.parametrize(("mode", "more"), [("RGB", {}), ("L", {}), ("RGB", {"fit": "letterbox", "padding": 114})])
def test_classes_agree_on_pictures_of_odd_kinds_and_sizes(page: Page, answering, mode: str, more: dict):
    answering(mode=mode, write=partial(stating, write=served.network, more=more))
    page.get_by_label(ASK_HERE).check()
    apart = {name: fault for name, content in PICTURES.items() if (fault := disagreement(ask(page, name, content)))}
    assert apart == {}


@needs_runtime
@pytest.mark.slow  # `make ui-test` installs the runtime
def test_the_browser_answers_beside_the_service_with_both_latencies(page: Page, answering):
    answering()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = ask(page, "before.jpg", PICTURES["odd.jpg"])
    figures(before, "the service")
    expect(before.get_by_text("Answer of this browser")).to_have_count(0)
    assert [url for url in asked if "runtime" in url or "/files/" in url] == []
    page.get_by_label(ASK_HERE).check()
    card = ask(page, "photo.jpg", PICTURES["photo.jpg"])
    assert disagreement(card) is None
    expect(card.get_by_text("The two differ by less than 0.1 % at most.")).to_be_visible()
    expect(card.get_by_text(re.compile(r"onnx, int8: [\d.]+ ms in the network, [\d.]+ ms in all"))).to_have_count(2)


@needs_runtime
@pytest.mark.slow  # `make ui-test` installs the runtime
@pytest.mark.parametrize("more", [{}, {"fit": "letterbox", "padding": 114}])
@pytest.mark.parametrize(("task", "write"), [("segmentation", segments_by_pixels), ("detection", boxes_by_pixels)])
def test_masks_and_boxes_agree(page: Page, answering, task: str, write: Callable[..., None], more: dict):
    answering(task, write=partial(stating, write=write, more=more))
    page.get_by_label(ASK_HERE).check()
    for name in ("photo.jpg", "turned-6.jpg", "turned-5.png"):
        card = ask(page, name, PICTURES[name])
        assert disagreement(card) is None, name
        assert len(figures(card, "this browser")) > 1
        by_service, by_browser = (shown(answer) for answer in card.locator(".answer").all())
        if task == "detection":
            np.testing.assert_allclose(by_browser, by_service, atol=0.03)
        else:
            assert by_browser == by_service, name


@needs_runtime
@pytest.mark.slow  # `make ui-test` installs the runtime
@pytest.mark.timeout(900)  # converts a network: minutes on a busy machine
@pytest.mark.parametrize(("task", "write"), [("segmentation", int8_networks.masks), ("detection", int8_networks.boxes)])
def test_int8_files_of_masks_and_boxes_agree(page: Page, answering, task: str, write: Callable[..., None]):
    answering(task, write=write)
    page.get_by_label(ASK_HERE).check()
    for number, content in enumerate(int8_networks.pictures(4)):
        card = ask(page, f"{number}.png", content)
        service, browser = figures(card, "the service"), figures(card, "this browser")
        assert len(service) > 1
        if task == "segmentation":
            assert disagreement(card) is None, number
        else:
            assert strangers(service, browser) == strangers(browser, service) == [], number


def strangers(ones: list[tuple[str, float]], others: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Boxes without one of the same class and nearly the same score among the others."""
    sure = [one for one in ones if one[1] >= SURE + AGREE_ON_INT8_BOXES]
    return [one for one in sure if not any(_alike(one, other) for other in others)]


def _alike(one: tuple[str, float], other: tuple[str, float]) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= AGREE_ON_INT8_BOXES


@needs_runtime
@pytest.mark.slow  # `make ui-test` installs the runtime
@pytest.mark.parametrize("name", ["deep.png", "picture.bmp", "printed.jpg", "broken.jpg"])
def test_a_picture_that_a_browser_cannot_read_says_so(page: Page, answering, name: str):
    answering()
    page.get_by_label(ASK_HERE).check()
    file = {
        "deep.png": as_file(picture("I;16", (30, 20)), "PNG"),
        "printed.jpg": as_file(picture("CMYK", (30, 20)), "JPEG"),
        "picture.bmp": as_file(picture("RGB", (30, 20)), "BMP"),
        "broken.jpg": PICTURES["photo.jpg"][:40],
    }[name]
    card = ask(page, name, file)
    if name == "broken.jpg":
        expect(card.get_by_role("alert")).to_contain_text("damaged", timeout=PATIENCE_MS)
        return
    figures(card, "the service")
    expect(card.get_by_role("alert")).to_contain_text("The service takes", timeout=PATIENCE_MS)


@pytest.mark.slow
def test_without_the_runtime_the_page_says_how_to_install_it(
    page: Page, answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(browser_runtime, "FOLDERS", (tmp_path,))
    answering()
    page.get_by_label(ASK_HERE).click()
    expect(page.get_by_role("alert")).to_contain_text("patchswap browser-runtime onnxruntime-web-")
    expect(page.get_by_label(ASK_HERE)).not_to_be_checked()
    figures(ask(page, "odd.jpg", PICTURES["odd.jpg"]), "the service")
