"""Packs are read as they were written, or refused with the reason."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from contract.pack.manifest import Split
from ingest import ingest
from tests.data import packs
from trainer.data.images import DecodedImages, ResidentImages, open_images
from trainer.data.pack import Pack, open_pack
from trainer.errors import TrainerError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures() -> list:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (9, 12, 3), dtype=np.uint8) for _ in range(packs.ROWS_PER_CHUNK + 40)]


@pytest.fixture(scope="module")
def splits(pictures) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, len(pictures))


@pytest.fixture(params=[False, True], ids=["raw", "encoded"])
def folder(request, tmp_path: Path, pictures, splits) -> Path:
    packs.write(tmp_path, pictures, labels=np.arange(len(pictures)) % 7, splits=splits, encoded=request.param)
    return tmp_path


@pytest.mark.parametrize("side", [12, 80])
def test_what_ingest_writes_is_read(tmp_path: Path, side: int) -> None:
    """Of one size, so stored raw, and of several sizes, so stored as files."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for index in range(24):
            pixels = random.integers(0, 256, (side, side + index % 2 * (side - 12), 3), dtype=np.uint8)
            archive.writestr(f"class{index % 3}/{index}.png", packs._png(pixels))
    result = ingest(tmp_path / "images.zip", tmp_path / "pack", splits=None, progress=lambda *_: None)
    assert result.manifest is not None, result.report
    pack = open_pack(tmp_path / "pack")
    assert pack.manifest == result.manifest
    assert pack.manifest.encoding == ("raw" if side == 12 else "encoded")
    images = open_images(pack, pack.rows(Split.TRAIN), size=(16, 16), device=CPU, budget_bytes=10**6)
    assert images.fetch(np.arange(4)).shape == (4, 3, 16, 16)


def test_rows_of_every_chunk_are_read_back(folder: Path, pictures, splits) -> None:
    pack = open_pack(folder)
    assert len(pack.chunk_starts) == 2
    for row in (0, 511, 512, len(pictures) - 1):
        np.testing.assert_array_equal(pack.read(row, height=9, width=12), pictures[row])
    np.testing.assert_array_equal(pack.rows(Split.VAL), np.flatnonzero(splits == 1))
    np.testing.assert_array_equal(pack.labels, np.arange(len(pictures)) % 7)


# a budget of 100 images keeps some and decodes the others each time
@pytest.mark.parametrize("budget", [0, 100 * 9 * 12 * 3, 10**9])
def test_a_batch_holds_the_images_asked_for_whatever_is_cached(folder: Path, pictures, budget: int) -> None:
    pack = open_pack(folder)
    rows = pack.rows(Split.TRAIN)
    images = open_images(pack, rows, size=(9, 12), device=CPU, budget_bytes=budget)
    assert images.cached_bytes <= budget
    positions = np.random.default_rng(2).integers(0, len(rows), 50)
    expected = np.stack([pictures[rows[position]] for position in positions]).transpose(0, 3, 1, 2)
    for _ in range(2):
        np.testing.assert_array_equal(images.fetch(positions).numpy(), expected)


def test_small_raw_images_are_resident_and_others_are_decoded_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = open_pack(folder)
    rows = pack.rows(Split.TRAIN)
    own_size = open_images(pack, rows, size=(9, 12), device=CPU, budget_bytes=10**9)
    other_size = open_images(pack, rows, size=(8, 8), device=CPU, budget_bytes=10**9)
    assert isinstance(own_size, ResidentImages if pack.manifest.encoding == "raw" else DecodedImages)
    assert isinstance(other_size, DecodedImages)
    first = other_size.fetch(np.arange(20))
    monkeypatch.delattr(Pack, "read")
    assert torch.equal(other_size.fetch(np.arange(20)), first)


def test_images_are_resized_as_the_rule_says(folder: Path, pictures) -> None:
    pack = open_pack(folder)
    given = Image.fromarray(pictures[3])
    across = given.resize((16, given.height), Image.Resampling.BILINEAR)  # in width first, then in height
    expected = np.asarray(across.resize((16, 8), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(pack.read(3, height=8, width=16), expected)


def _truncate(folder: Path) -> None:
    path = folder / "samples.arrow"
    path.write_bytes(path.read_bytes()[:-9])


def _scramble(folder: Path) -> None:
    path = folder / "samples.arrow"
    path.write_bytes(b"x" * path.stat().st_size)


def _change(folder: Path, **values: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | values))


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _scramble,
        lambda folder: (folder / "samples.arrow").unlink(),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{}"),
        lambda folder: _change(folder, samples=3),
        lambda folder: _change(folder, classes=["a", "b"]),
        lambda folder: _change(folder, digest="0" * 64),
    ],
)
def test_a_damaged_pack_is_the_datas_fault(folder: Path, damage) -> None:
    damage(folder)
    with pytest.raises(TrainerError) as raised:
        open_pack(folder)
    assert raised.value.error.code == "dataset_invalid"
    assert raised.value.error.category == "user_data"


def test_an_undecodable_image_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "_png", lambda image: b"not a picture")
    packs.shapes(tmp_path, counts=(8, 0, 4), encoded=True)
    with pytest.raises(TrainerError, match=r"'2\.png'"):
        open_pack(tmp_path).read(2, height=8, width=8)
