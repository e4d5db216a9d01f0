"""POST /v1/models/{model_id}/predict: the exported file on an image, as the bundle's own infer.py sees and says it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from api.prediction.loaded import FileTooLarge, Sessions, sessions
from core.database.database import transaction
from core.decoding import child
from core.decoding.images import decode
from core.exports import serving
from core.store import storage
from core.tables import DatasetVersion, Export
from ingest.images import images
from ingest.limits import Limits
from portable import preprocess
from tests.api import made, served
from tests.api.served import Served
from tests.api.serving import Caller
from tests.portable.test_infer import as_file, picture
from tests.trainer.export.bundled import infer

ODD = {
    "gray": as_file(picture("L", (30, 20)), "PNG"),
    "alpha": as_file(picture("RGBA", (30, 20)), "PNG"),
    "turned by EXIF": as_file(picture("RGB", (30, 20)), "JPEG", orientation=6),
    "16 bit, mirrored": as_file(picture("I;16", (30, 20)), "PNG", orientation=5),
    "palette with transparency": as_file(picture("P with transparency", (30, 20)), "PNG"),
    "CMYK": as_file(picture("CMYK", (30, 20)), "JPEG"),
    "webp": as_file(picture("RGBA", (31, 9)), "WEBP"),
    "1 px wide": as_file(picture("RGB", (1, 40)), "PNG"),
}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    sessions.cache_clear()


@pytest.fixture
def net(version: DatasetVersion, tmp_path: Path) -> Served:
    return served.published(version, tmp_path / "made")


def post(caller: Caller, model_id: str, content: bytes, **more) -> httpx.Response:
    headers = {"Content-Type": "application/octet-stream"} | more.pop("headers", {})
    return caller.post(f"/v1/models/{model_id}/predict", content=content, headers=headers, **more)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_odd_images_are_seen_alike_by_training_infer_and_the_api(
    ours: Caller, version: DatasetVersion, tmp_path: Path, mode: str
):
    """The tensors byte by byte; the answers as far as a sum in another order allows."""
    net = served.published(version, tmp_path / "made", mode)
    bundle = infer.open_bundle(net.folder)
    rules = served.rules(mode)
    shape = {"height": served.HEIGHT, "width": served.WIDTH, "channels": len(rules["mean"])}
    for name, file in ODD.items():
        (tmp_path / "image").write_bytes(file)
        seen = bundle.read(tmp_path / "image")
        by_api = preprocess.normalise(decode(file, **shape).pixels[None], rules["mean"], rules["std"])
        assert by_api.tobytes() == seen.tobytes(), name
        # Ingest asks for 8 px a side, saves a CMYK JPEG anew, and keeps a gray image gray where colours are expected.
        if name not in ("1 px wide", "CMYK"):
            assert trained_on(file, rules, shape).tobytes() == seen.tobytes(), name
        if mode == "L":
            continue
        said = bundle.answer(tmp_path / "image", top=3)
        answer = post(ours, net.model.id, file, params={"top": 3}).json()
        assert answer["label"] == said["label"], name
        assert [guess["label"] for guess in answer["top"]] == [guess["label"] for guess in said["top"]]
        assert answer["probability"] == pytest.approx(said["probability"], rel=1e-4)


def trained_on(file: bytes, rules: dict, shape: dict) -> np.ndarray:
    """By way of ingest and the pack: pixels stored, read back, prepared as the trainer does."""
    stored = images.from_file(file, Limits())
    if stored.levels is not None:
        stored = images.narrowed(stored.stored, rules.get("depth_range"))
    pixels = np.frombuffer(stored.stored, np.uint8).reshape(stored.height, stored.width, stored.channels)
    image = Image.fromarray(pixels.squeeze(-1) if stored.channels == 1 else pixels)
    return preprocess.normalise(preprocess.to_pixels(image, **shape)[None], rules["mean"], rules["std"])


def test_image_may_come_in_a_form_or_with_its_type(ours: Caller, net: Served):
    file = ODD["alpha"]
    raw = post(ours, net.model.id, file, headers={"Content-Type": "image/png"})
    form = ours.post(f"/v1/models/{net.model.id}/predict", files={"file": ("ä.png", file, "image/png")})
    assert (raw.status_code, form.status_code) == (200, 200), raw.text + form.text
    without = [{k: v for k, v in a.json().items() if k != "latency_ms"} for a in (raw, form)]
    assert without[0] == without[1]
    assert raw.json()["export_id"] == net.export.id
    assert 0 < raw.json()["latency_ms"]["model"] < raw.json()["latency_ms"]["total"]


def test_most_accurate_int8_file_answers_unless_another_is_named(ours: Caller, net: Served, tmp_path: Path):
    better = served.export(net.model, tmp_path / "b", seed=1, measured={"top1_accuracy": 0.9})
    exact = served.export(net.model, tmp_path / "c", seed=2, precision="fp32", measured={"top1_accuracy": 0.99})
    assert post(ours, net.model.id, ODD["gray"]).json()["export_id"] == better.export.id
    for one in (net, exact):
        answer = post(ours, net.model.id, ODD["gray"], params={"export": one.export.id}).json()
        assert (answer["export_id"], answer["precision"]) == (one.export.id, one.export.precision)


def test_export_that_cannot_answer_says_why(ours: Caller, theirs: Caller, net: Served, tmp_path: Path, version):
    for over, told in (
        ({"status": "gate_failed"}, "is gate_failed"),
        ({"format": "openvino"}, "runs onnx files only"),
    ):
        other = served.export(net.model, tmp_path / told, **over)
        answer = post(ours, net.model.id, ODD["gray"], params={"export": other.export.id})
        assert (answer.status_code, answer.json()["code"]) == (409, "export_not_servable")
        assert told in answer.json()["detail"]
    _, foreign, export = made.published_job(version)
    assert post(ours, net.model.id, ODD["gray"], params={"export": export.id}).status_code == 404
    with transaction() as session:
        session.query(Export).filter_by(model_id=foreign.id).delete()
    answer = post(ours, foreign.id, ODD["gray"])
    assert (answer.status_code, answer.json()["code"]) == (409, "no_servable_export")
    assert post(theirs, net.model.id, ODD["gray"]).status_code == 404


@pytest.mark.parametrize("content", [b"no zip", b"PK\x05\x06" + bytes(18)], ids=["no zip", "empty zip"])
def test_bundle_without_a_model_is_damaged_whatever_its_digest(ours: Caller, net: Served, content: bytes):
    stored = storage.put_bytes(net.export.object_key, content)
    with transaction() as session:
        session.get_one(Export, net.export.id).sha256 = stored.sha256
    answer = post(ours, net.model.id, ODD["gray"], params={"export": net.export.id})
    assert (answer.status_code, answer.json()["code"]) == (410, "bundle_damaged")


def test_bundle_swapped_in_the_store_is_not_opened(ours: Caller, net: Served, tmp_path: Path):
    other = served.export(net.model, tmp_path / "other", seed=9)
    storage.put_bytes(net.export.object_key, storage.get_bytes(other.export.object_key))
    answer = post(ours, net.model.id, ODD["gray"], params={"export": net.export.id})
    assert (answer.status_code, answer.json()["code"]) == (410, "bundle_damaged")
    storage.delete([net.export.object_key])
    assert post(ours, net.model.id, ODD["gray"], params={"export": net.export.id}).status_code == 410


def bomb() -> bytes:
    file = BytesIO()
    Image.new("1", (30_000, 30_000)).save(file, "PNG")
    return file.getvalue()


BAD = {
    "not_an_image": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "image_corrupt": ODD["gray"][:90],
    "too_many_pixels": bomb(),
    "unsupported_pixels": as_file(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"),
}


@pytest.mark.parametrize("code", BAD)
def test_image_that_cannot_be_used_is_422_with_its_reason(ours: Caller, net: Served, code: str):
    answer = post(ours, net.model.id, BAD[code])
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_image")
    assert answer.json()["errors"][0]["code"] == code


def test_body_that_is_no_image_is_refused(ours: Caller, net: Served):
    path = f"/v1/models/{net.model.id}/predict"
    assert post(ours, net.model.id, b"").json()["errors"][0]["code"] == "not_an_image"
    assert ours.post(path, {"image": "x"}).status_code == 415
    assert ours.post(path).status_code == 415
    png = ("a.png", ODD["gray"], "image/png")
    assert ours.post(path, files=[("a", png), ("b", png)]).status_code == 400
    assert ours.post(path, files={"a": png}, data={"b": "1"}).status_code == 400
    headers = {"Content-Type": "multipart/form-data"}
    assert ours.post(path, content=b"x", headers=headers).status_code == 400
    empty = ours.post(path, content=b"--b--\r\n", headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (empty.status_code, empty.json()["code"]) == (400, "malformed_body")


def test_body_above_the_limit_is_413(ours: Caller, net: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.prediction.images.MAX_FILE_BYTES", 100_000)
    over = bytes(200_000)
    assert post(ours, net.model.id, over).status_code == 413
    chunked = ours.post(
        f"/v1/models/{net.model.id}/predict", content=iter([over]), headers={"Content-Type": "image/png"}
    )
    assert chunked.status_code == 413
    form = ours.post(f"/v1/models/{net.model.id}/predict", files={"file": ("a.png", over, "image/png")})
    assert form.status_code == 413


def test_decoder_that_runs_into_its_limits_costs_one_answer(ours: Caller, net: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "_WALL_SECONDS", 0.001)
    answer = post(ours, net.model.id, as_file(Image.new("L", (4000, 4000)), "PNG"))  # a tenth of a second
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "image_hostile")
    monkeypatch.undo()
    assert post(ours, net.model.id, ODD["gray"]).status_code == 200


def test_decoders_all_busy_is_503_with_retry_after(ours: Caller, net: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "_TURN_SECONDS", 0.01)
    for _ in range(child.AT_ONCE):
        child._turns.acquire()
    try:
        answer = post(ours, net.model.id, ODD["gray"])
    finally:
        for _ in range(child.AT_ONCE):
            child._turns.release()
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "decoding_busy", True)
    assert answer.headers["Retry-After"]


def test_open_files_stay_within_their_bytes(net: Served, tmp_path: Path):
    exports = [net.export, *(served.export(net.model, tmp_path / str(seed), seed=seed).export for seed in (1, 2))]
    found = [serving.Served("", "", e.id, e.format, e.precision, e.object_key, e.bytes, e.sha256) for e in exports]
    one = len(serving.read_verified(found[0]))
    kept = Sessions(2 * one + one // 2)
    first = kept.get(found[0])
    kept.get(found[1])
    assert kept.get(found[0]) is first
    kept.get(found[2])  # the second was used longest ago
    assert kept.bytes == 2 * one
    assert kept.get(found[0]) is first
    with pytest.raises(FileTooLarge):
        Sessions(one - 1).get(found[0])
