"""The pack as the trainer reads it: raw or encoded, gray or coloured, of any size of set."""

from pathlib import Path

import numpy as np
import pytest

from contract.pack.manifest import PackManifest, Split
from ingest.packing import pack
from tests.ingest.archives import encode, npz, pixels, zipped
from tests.ingest.packs import check_pack, read_pack, run_ingest
from trainer.data.pack import open_pack


def ingested(files: dict[str, bytes], folder: Path) -> PackManifest:
    manifest = run_ingest(zipped(files), folder).manifest
    assert manifest is not None
    check_pack(folder / "out")
    return manifest


def images(shapes: list[tuple[int, int]]) -> dict[str, bytes]:
    """One image for each (side, channels), in two classes."""
    return {
        f"{number % 2}/{number}.png": encode(pixels(number, side=side, channels=channels))
        for number, (side, channels) in enumerate(shapes)
    }


@pytest.mark.parametrize("side", [8, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_images_of_one_size_are_raw(side: int, channels: int, tmp_path: Path) -> None:
    manifest = ingested(images([(side, channels)] * 8), tmp_path)
    assert (manifest.encoding, manifest.channels, manifest.image_size) == ("raw", channels, (side, side))


@pytest.mark.parametrize("sides", [[65] * 8, [16, 16, 16, 16, 16, 16, 16, 24], [16, 16, 16, 16, 200, 200, 200, 200]])
def test_larger_or_unequal_images_are_encoded(sides: list[int], tmp_path: Path) -> None:
    manifest = ingested(images([(side, 3) for side in sides]), tmp_path)
    assert manifest.encoding == "encoded"
    assert manifest.image_size == ((65, 65) if sides[0] == 65 else None)
    assert manifest.median_size == (int(np.median(sides)), int(np.median(sides)))


@pytest.mark.parametrize("side", [16, 80])
def test_one_coloured_image_makes_the_pack_coloured(side: int, tmp_path: Path) -> None:
    manifest = ingested(images([(side, 1)] * 7 + [(side, 3)]), tmp_path)
    assert manifest.channels == 3
    assert len(manifest.mean) == len(manifest.std) == 3


@pytest.mark.parametrize("shapes", [[(16, 3)] * 8, [(16, 1)] * 8, [(16, 1), (16, 3)] * 4, [(80, 3), (40, 1)] * 4])
def test_trainer_reads_every_image_as_it_was(shapes: list[tuple[int, int]], tmp_path: Path) -> None:
    manifest = ingested(images(shapes), tmp_path)
    opened = open_pack(tmp_path / "out")
    paths = opened.table.column("path").to_pylist()
    for row, path in enumerate(paths):
        side, channels = shapes[int(path.split("/")[1].split(".")[0])]
        read = opened.read(row, height=side, width=side)
        original = pixels(int(path.split("/")[1].split(".")[0]), side=side, channels=channels)
        shape = (side, side, manifest.channels)
        np.testing.assert_array_equal(read, np.broadcast_to(original.reshape(side, side, -1), shape))
        assert manifest.classes[opened.labels[row]] == path.split("/")[0]


def test_rows_are_sorted_and_cut_into_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BATCH_ROWS", 50)
    stack = np.random.default_rng(0).integers(0, 256, (220, 8, 8, 3), dtype=np.uint8)
    result = run_ingest(npz(images=stack, labels=np.arange(220) % 3), tmp_path)
    assert result.manifest is not None
    check_pack(tmp_path / "out")
    table = read_pack(tmp_path / "out")
    assert [len(chunk) for chunk in table.column("image").chunks] == [50, 50, 50, 50, 20]
    keys = [(row["split"], row["label"], row["sha256"]) for row in table.to_pylist()]
    assert keys == sorted(keys)
    assert [split for split, _, _ in keys].count(Split.TEST) == 44


def test_large_images_close_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BATCH_BYTES", 30_000)
    ingested(images([(80, 3)] * 8), tmp_path)
    assert len(read_pack(tmp_path / "out").column("image").chunks) > 3


def test_flat_images_have_a_deviation_to_divide_by(tmp_path: Path) -> None:
    """All gray but for one pixel, a level lighter, which is what tells them apart."""
    stack = np.full((20, 256), 7, np.uint8)
    stack[np.arange(20), np.arange(20)] = 8
    result = run_ingest(npz(images=stack.reshape(20, 16, 16), labels=np.arange(20) % 2), tmp_path)
    assert result.manifest is not None
    assert result.manifest.std == [1 / 255]
