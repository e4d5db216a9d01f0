"""The images an export is judged on: the held-out split, as the network saw its like."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.pack.manifest import Split
from portable import preprocess
from tests.data import packs
from tests.trainer.conftest import spec_for
from tests.trainer.export.bundled import infer
from trainer.data.pack import open_pack
from trainer.export.inputs import CALIBRATION_IMAGES, GOLDEN_SIDE_PX, HeldOut, calibration_rows


@pytest.mark.parametrize(("size", "encoded"), [((32, 32), False), ((40, 30), True), ((700, 900), True)])
def test_golden_input_is_what_infer_makes_of_the_golden_image(
    size: tuple[int, int], encoded: bool, tmp_path: Path
) -> None:
    packs.shapes(tmp_path, size=size, counts=(8, 0, 3), encoded=encoded)
    pack = open_pack(tmp_path)
    held_out = HeldOut(spec_for(pack, training={"image_size": [24, 16]}), pack)
    file = BytesIO()
    held_out.golden_image().save(file, "PNG")
    manifest = pack.manifest
    rules = {"mode": "RGB", "height": 24, "width": 16, "divide_by": 255, "mean": manifest.mean, "std": manifest.std}
    with Image.open(file) as image:
        assert max(image.size) <= GOLDEN_SIDE_PX
        inputs = held_out.golden_input(image)
        assert inputs.shape == (3, 3, 24, 16)
        assert inputs[:1].tobytes() == infer.to_input(image, rules).tobytes()


def test_batches_are_every_held_out_image_once_in_order(tmp_path: Path) -> None:
    packs.digits(tmp_path, train=20, val=10, test=70)
    pack = open_pack(tmp_path)
    held_out = HeldOut(spec_for(pack), pack)
    batches, labels = zip(*held_out.batches(), strict=True)
    assert [len(batch) for batch in batches] == [64, 6]
    pixels = np.stack([pack.read(int(row), height=8, width=8) for row in pack.rows(Split.TEST)])
    expected = preprocess.normalise(pixels, pack.manifest.mean, pack.manifest.std)
    assert np.concatenate(batches).tobytes() == expected.tobytes()
    assert np.concatenate(labels).tolist() == pack.labels[pack.rows(Split.TEST)].tolist()


def test_calibration_takes_training_images_only_and_each_once(tmp_path: Path) -> None:
    packs.digits(tmp_path, train=600, test=50)
    pack = open_pack(tmp_path)
    rows = calibration_rows(pack)
    assert len(rows) == len(set(rows.tolist())) == CALIBRATION_IMAGES
    assert set(pack.splits[rows].tolist()) == {Split.TRAIN}
