"""An image of any mode becomes the pixels of the dataset's mode and size."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portable import boxes, preprocess, segmentation


def random_image(height=10, width=14, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_same_size_and_mode_is_untouched():
    pixels = random_image()
    np.testing.assert_array_equal(
        preprocess.to_pixels(Image.fromarray(pixels), height=10, width=14, channels=3), pixels
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_every_value_is_normalised_by_its_channel(channels: int):
    pixels, statistics = random_image(channels=channels)[None], np.random.default_rng(1)
    mean, std = statistics.random(channels), statistics.random(channels) + 0.1
    found = preprocess.normalise(pixels, list(mean), list(std))
    for row, column, channel in np.ndindex(pixels.shape[1:]):
        value = pixels[0, row, column, channel].astype(np.float32) / np.float32(255)
        wanted = (value - np.float32(mean[channel])) / np.float32(std[channel])
        assert found[0, channel, row, column].tobytes() == wanted.tobytes()
    assert (found.dtype, found.flags.c_contiguous) == (np.float32, True)


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


SIDES = st.integers(1, 700)


@given(size=st.tuples(SIDES, SIDES), frame=st.tuples(st.integers(8, 512), st.integers(8, 512)))
def test_letterbox_keeps_the_aspect_ratio_and_touches_the_frame(size, frame):
    rows, columns = preprocess.content_size(size, height=frame[0], width=frame[1], fit="letterbox")
    assert 1 <= rows <= frame[0]
    assert 1 <= columns <= frame[1]
    assert rows == frame[0] or columns == frame[1]
    scale = min(frame[0] / size[0], frame[1] / size[1])
    for side, own in zip((rows, columns), size, strict=True):
        assert abs(side - max(1, own * scale)) <= 0.5
    assert preprocess.content_size(size, height=frame[0], width=frame[1], fit="stretch") == frame


@given(
    size=st.tuples(SIDES, SIDES),
    frame=st.tuples(st.integers(8, 512), st.integers(8, 512)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    fit=st.sampled_from(["stretch", "letterbox"]),
)
def test_a_box_comes_back_to_where_it_was(size, frame, corners, fit):
    """Into the frame as the trainer maps it, and out of it as postprocess.py of a bundle does."""
    (height, width), (x1, x2, y1, y2) = size, corners
    box = np.array([min(x1, x2) * width, min(y1, y2) * height, max(x1, x2) * width, max(y1, y2) * height])
    content = preprocess.content_size(size, height=frame[0], width=frame[1], fit=fit)
    inside = (box * np.tile(np.array(content[::-1]) / size[::-1], 2)).astype(np.float32)
    outputs = boxes.unpadded([inside[None], np.ones((1, 1), np.float32)], content)
    [found] = boxes.answer(outputs, ["thing"], sizes=(content, size), threshold=0.5)["detections"]
    assert np.abs(np.array(found["box"]) - box).max() <= 0.5


def test_the_frame_beside_a_letterboxed_image_is_gray():
    pixels = np.full((10, 30, 3), 200, np.uint8)
    frame = {"height": 24, "width": 24, "channels": 3, "fit": "letterbox"}
    found = preprocess.to_pixels(Image.fromarray(pixels), **frame)
    assert found.shape == (24, 24, 3)
    assert (found[:8] == 200).all()
    assert (found[8:] == preprocess.PADDING).all()


def test_a_letterboxed_image_is_resized_as_any_other():
    image = Image.fromarray(random_image(height=30, width=50))
    found = preprocess.to_pixels(image, height=20, width=20, channels=3, fit="letterbox")
    np.testing.assert_array_equal(found[:12], preprocess.to_pixels(image, height=12, width=20, channels=3))


def test_a_fit_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="no fit 'crop'; there are stretch and letterbox"):
        preprocess.to_pixels(Image.fromarray(random_image()), height=8, width=8, channels=3, fit="crop")


def test_what_a_detector_sees_in_the_padding_is_not_there():
    corners = np.array([[1, 1, 5, 5], [4, 4, 12, 20], [2, 13, 6, 18]], np.float32)
    outputs = [corners, np.full((3, 1), 0.9, np.float32)]
    found = boxes.answer(boxes.unpadded(outputs, (10, 20)), ["a"], sizes=((10, 20), (20, 40)), threshold=0.5)
    assert [one["box"] for one in found["detections"]] == [[2, 2, 10, 10], [8, 8, 24, 20]]


def test_padding_has_no_share_in_a_mask():
    logits = np.zeros((2, 8, 8), np.float32)
    logits[0, :4], logits[1, 4:] = 9, 9
    outputs = segmentation.unpadded([logits], (4, 8))
    [said] = segmentation.answer(outputs, ["a", "b"], sizes=((4, 8), (40, 80)), top=5)["classes"]
    assert (said["label"], said["share"]) == ("a", 1.0)
    assert Image.open(BytesIO(segmentation.mask_png(outputs))).size == (8, 4)


def test_width_is_resized_before_height_by_every_release_of_pillow():
    """The order shows: each pass is rounded. Pillow 13 begins with the height of a picture like this one."""
    pixels = np.random.default_rng(0).integers(0, 256, (35, 21, 3), dtype=np.uint8)
    image, bilinear = Image.fromarray(pixels), Image.Resampling.BILINEAR
    expected = np.asarray(image.resize((10, 35), bilinear).resize((10, 12), bilinear))
    np.testing.assert_array_equal(preprocess.to_pixels(image, height=12, width=10, channels=3), expected)
    other_way = np.asarray(image.resize((21, 12), bilinear).resize((10, 12), bilinear))
    assert np.abs(other_way.astype(int) - expected).max() == 1
