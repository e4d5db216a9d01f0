"""An image of any mode becomes the pixels of the dataset's mode and size."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from portable import preprocess


def random_image(height=10, width=14, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_same_size_and_mode_is_untouched():
    pixels = random_image()
    np.testing.assert_array_equal(
        preprocess.to_pixels(Image.fromarray(pixels), height=10, width=14, channels=3), pixels
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_the_asked_shape(mode, channels):
    image = Image.fromarray(random_image())
    image = Image.new(mode, (14, 10)) if mode == "I;16" else image.convert(mode)
    found = preprocess.to_pixels(image, height=8, width=9, channels=channels)
    assert found.shape == (8, 9, channels)
    assert found.dtype == np.uint8


def test_16_bits_keep_their_high_byte():
    image = Image.fromarray((random_image(channels=1).squeeze(-1).astype(np.uint16) << 8) + 17)
    found = preprocess.to_pixels(image, height=10, width=14, channels=1)
    np.testing.assert_array_equal(found, random_image(channels=1))


def test_orientation_of_the_camera_is_applied():
    image = Image.fromarray(random_image())
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    buffer = BytesIO()
    image.save(buffer, "png", exif=exif)
    found = preprocess.decode(buffer.getvalue(), height=14, width=10, channels=3)
    np.testing.assert_array_equal(found, np.rot90(random_image(), k=-1))


def test_shrinking_averages():
    checkers = np.indices((16, 16)).sum(0) % 2 * np.uint8(255)
    found = preprocess.to_pixels(Image.fromarray(checkers.astype(np.uint8)), height=4, width=4, channels=1)
    assert 110 < found[1:-1, 1:-1].mean() < 145
