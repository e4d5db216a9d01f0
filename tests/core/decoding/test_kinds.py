"""What a stranger sends to predict: photos of phones, and 16 bits by the range that the model was trained on."""

import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from core.decoding import child

GRADIENT = Image.fromarray(np.repeat(np.arange(0, 200, dtype=np.uint8)[:, None], 80, axis=1)).convert("RGB")


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as opened:
        yield opened


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_photos_of_phones_are_decoded(form: str, file: IO[bytes]):
    if form == "HEIF":
        pillow_heif.from_pillow(GRADIENT).save(file, format="HEIF", quality=95)
    else:
        GRADIENT.save(file, form, quality=95)
    found = child.decode(file, height=200, width=80, channels=3)
    assert found.size == (200, 80)
    assert np.abs(found.pixels.astype(int) - np.asarray(GRADIENT)).max() < 12


def test_sixteen_bits_are_scaled_by_the_models_range(file: IO[bytes]):
    Image.fromarray(np.linspace(700, 1000, 64, dtype=np.uint16).reshape(8, 8)).save(file, "PNG")
    shape = {"height": 8, "width": 8, "channels": 1}
    assert child.decode(file, **shape).pixels.max() == 3
    scaled = child.decode(file, **shape, depth_range=[700, 1000]).pixels
    assert (scaled.min(), scaled.max()) == (0, 255)
