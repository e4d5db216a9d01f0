"""infer.py of a bundle: it sees pictures as training did, and it is a well-behaved command."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract.pack.manifest import Split
from ingest.images import images
from ingest.limits import Limits
from portable import preprocess
from tests.trainer.export.bundled import PROGRAMS, infer
from tests.trainer.export.conftest import Exported, Trained

MEAN, STD = [0.481, 0.122, 0.913], [0.247, 0.031, 0.5]
BESIDE = {"infer", "postprocess", "preprocess", "runtime", "weights"}
ALLOWED = {"numpy", "onnxruntime", "PIL"} | BESIDE | sys.stdlib_module_names
ORIENTATIONS = range(1, 9)


def rules(channels: int, height: int, width: int) -> dict[str, object]:
    mode = "L" if channels == 1 else "RGB"
    stated = {"mode": mode, "height": height, "width": width, "divide_by": 255}
    return stated | {"mean": MEAN[:channels], "std": STD[:channels]}


def picture(mode: str, size: tuple[int, int], seed: int = 0) -> Image.Image:
    random = np.random.default_rng(seed)
    width, height = size
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 65536, (height, width), dtype=np.uint16))
    if mode == "1":
        return Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).convert("1")
    if mode in {"P", "P with transparency"}:
        paletted = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).quantize(16)
        if mode == "P with transparency":
            paletted.info["transparency"] = 3
        return paletted
    bands = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4, "YCbCr": 3}[mode]
    pixels = random.integers(0, 256, (height, width, bands), dtype=np.uint8)
    return Image.merge(mode, [Image.fromarray(pixels[..., band]) for band in range(bands)])


def as_file(image: Image.Image, form: str, orientation: int = 1, **how: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    image.save(file, form, exif=exif, **how)
    return file.getvalue()


def seen_by_the_trainer(file: bytes, channels: int, height: int, width: int) -> np.ndarray:
    pixels = preprocess.decode(file, height=height, width=width, channels=channels)
    return preprocess.normalise(pixels[None], MEAN[:channels], STD[:channels])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("L", "PNG"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("P with transparency", "PNG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("I;16", "PNG"),
        ("I;16", "TIFF"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("RGBA", "WEBP"),
        ("YCbCr", "TIFF"),
    ],
)
def test_every_kind_of_file_becomes_the_tensor_of_training(mode: str, form: str, channels: int, tmp_path: Path) -> None:
    for size in ((33, 20), (1, 40), (40, 1), (1, 1), (12, 9)):
        file = as_file(picture(mode, size), form)
        with Image.open(BytesIO(file)) as opened:
            found = infer.to_input(opened, rules(channels, 9, 12))
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert found.tobytes() == seen_by_the_trainer(file, channels, 9, 12).tobytes(), size


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(("mode", "form"), [("RGB", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG")])
def test_pictures_turned_by_exif_become_the_tensor_of_training(mode: str, form: str, orientation: int) -> None:
    file = as_file(picture(mode, (17, 11)), form, orientation)
    with Image.open(BytesIO(file)) as opened:
        found = infer.to_input(opened, rules(3, 11, 17))
    assert found.tobytes() == seen_by_the_trainer(file, 3, 11, 17).tobytes()


@pytest.mark.parametrize(
    ("mode", "depth_range"),
    [
        *((mode, None) for mode in ("L", "1", "LA", "P", "P with transparency", "RGB", "RGBA", "I;16")),
        ("I;16", (200, 4_000)),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_a_picture_is_seen_as_ingest_stores_it(
    mode: str, depth_range: tuple[int, int] | None, orientation: int
) -> None:
    """What the customer's file becomes in the pack, the trainer reads; infer.py has the file itself."""
    file = as_file(picture(mode, (30, 25)), "PNG", orientation)
    stored = images.from_file(file, Limits())
    if mode == "I;16":  # its 8 bits wait for the range of the whole set
        stored = images.narrowed(stored.stored, depth_range)
    pixels = np.frombuffer(stored.stored, np.uint8).reshape(stored.height, stored.width, stored.channels)
    image = Image.fromarray(pixels.squeeze(-1) if stored.channels == 1 else pixels)
    trained_on = preprocess.to_pixels(image, height=10, width=14, channels=stored.channels)
    expected = preprocess.normalise(trained_on[None], MEAN[: stored.channels], STD[: stored.channels])
    with Image.open(BytesIO(file)) as opened:
        found = infer.to_input(opened, rules(stored.channels, 10, 14) | {"depth_range": depth_range})
    assert found.tobytes() == expected.tobytes()


@given(
    mode=st.sampled_from(["L", "RGB", "RGBA", "LA", "I;16"]),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    target=st.tuples(st.integers(8, 64), st.integers(8, 64)),
    orientation=st.sampled_from(ORIENTATIONS),
    channels=st.sampled_from([1, 3]),
)
def test_any_size_becomes_the_tensor_of_training(
    mode: str, size: tuple[int, int], target: tuple[int, int], orientation: int, channels: int
) -> None:
    file = as_file(picture(mode, size), "PNG", orientation)
    with Image.open(BytesIO(file)) as opened:
        found = infer.to_input(opened, rules(channels, *target))
    assert found.tobytes() == seen_by_the_trainer(file, channels, *target).tobytes()


def test_infer_on_image_files_gives_the_accuracy_that_was_measured(
    int8: Exported, trained: Trained, tmp_path: Path
) -> None:
    bundle = infer.open_bundle(int8.folder)
    rows = trained.pack.rows(Split.TEST)
    right = 0
    for row in rows:
        pixels = trained.pack.read(int(row), height=8, width=8)
        Image.fromarray(pixels.squeeze(-1)).save(tmp_path / "image.png")
        right += bundle.answer(tmp_path / "image.png")["label"] == str(trained.pack.labels[row])
    assert right / len(rows) == int8.result.measured["top1_accuracy"]


def test_command_prints_one_line_per_image_from_any_folder(int8: Exported, tmp_path: Path) -> None:
    image = int8.folder / "golden" / "image.png"
    done = command(int8.folder, image, image, "--top", "3", folder=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(lines) == 2
    assert lines[0].keys() == {"image", "label", "probability", "top"}
    assert lines[0]["image"] == str(image)
    assert lines[0]["top"][0] == {"label": lines[0]["label"], "probability": lines[0]["probability"]}
    probabilities = [guess["probability"] for guess in lines[0]["top"]]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    every = command(int8.folder, image, "--top", "99", folder=tmp_path)
    assert sum(guess["probability"] for guess in json.loads(every.stdout)["top"]) == pytest.approx(1)


def test_bad_images_are_named_one_line_each_and_the_others_are_still_done(int8: Exported, tmp_path: Path) -> None:
    good = int8.folder / "golden" / "image.png"
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "cut.png").write_bytes(as_file(picture("RGB", (60, 60)), "PNG")[:200])
    (tmp_path / "cut.jpg").write_bytes(as_file(picture("RGB", (60, 60)), "JPEG")[:700])
    (tmp_path / "float.tiff").write_bytes(as_file(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"))
    bad = ["text.png", "cut.png", "cut.jpg", "float.tiff", "missing.png", "."]
    done = command(int8.folder, *bad, good, folder=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["image"] == str(good)
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == bad


def test_a_reader_who_has_enough_ends_it_in_silence(int8: Exported) -> None:
    image = int8.folder / "golden" / "image.png"
    started = [sys.executable, "-W", "ignore", int8.folder / "infer.py", *[image] * 20]
    process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


def heic(folder: Path) -> Path:
    path = folder / "photo.heic"
    pillow_heif.from_pillow(picture("RGB", (64, 48))).save(path, quality=95)
    return path


def test_heic_is_read_where_its_package_is_installed(int8: Exported, tmp_path: Path) -> None:
    done = command(int8.folder, heic(tmp_path), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "label" in json.loads(done.stdout)


def test_what_to_install_is_said_of_heic_and_avif_and_of_nothing_else(
    int8: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infer, "pillow_heif", None)
    assert infer._remedy(heic(tmp_path)) == "HEIC pictures need one more package: pip install pillow-heif"
    avif = tmp_path / "photo.avif"
    picture("RGB", (64, 48)).save(avif, "AVIF")
    assert "pip install 'Pillow>=11.3'" in infer._remedy(avif)
    for content in (b"", b"not an image", as_file(picture("RGB", (9, 9)), "PNG")[:20], b"\0\0\0\x18ftypisom"):
        (tmp_path / "other").write_bytes(content)
        assert infer._remedy(tmp_path / "other") is None


def test_portable_programs_import_nothing_but_numpy_pillow_and_onnxruntime() -> None:
    for name, program in PROGRAMS.items():
        tree = ast.parse(program)
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        # only where a key is given to check with, and for HEIC
        asked_for = {"verify.py": {"cryptography"}, "infer.py": {"pillow_heif"}}.get(name, set())
        assert {module.split(".")[0] for module in imported} <= ALLOWED | asked_for


def command(bundle: Path, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    started = [sys.executable, "-W", "ignore", bundle / "infer.py", *arguments]
    return subprocess.run(started, check=False, capture_output=True, text=True, cwd=folder)
