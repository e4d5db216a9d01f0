"""preprocess.json says how images of 16 bits become 8, as ingest did it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from portable import preprocess
from trainer.export.order import Order


@pytest.mark.parametrize(("depth_range", "darkest", "brightest"), [((700, 1000), 0.0, 1.0), (None, 2 / 255, 3 / 255)])
def test_a_file_is_fed_as_the_dataset_was_scaled(depth_range, darkest: float, brightest: float, tmp_path: Path):
    manifest = SimpleNamespace(channels=1, mean=[0.0], std=[1.0], depth_range=depth_range)
    spec = SimpleNamespace(height=8, width=8, task="classification", normalisation=None)
    task = Order(spec, SimpleNamespace(manifest=manifest, fit="stretch", tiles=None), None, tmp_path, tmp_path)
    image = Image.fromarray(np.linspace(700, 1000, 64, dtype=np.uint16).reshape(8, 8))
    fed = preprocess.to_input(image, task.preprocessing())
    assert (fed.min(), fed.max()) == pytest.approx((darkest, brightest))


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_file_is_laid_into_the_frame_as_the_dataset_was(fit: str, tmp_path: Path):
    manifest = SimpleNamespace(channels=3, mean=[0.5] * 3, std=[0.5] * 3, depth_range=None)
    spec = SimpleNamespace(height=24, width=32, task="classification", normalisation=None)
    rules = Order(
        spec, SimpleNamespace(manifest=manifest, fit=fit, tiles=None), None, tmp_path, tmp_path
    ).preprocessing()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 90, 3), dtype=np.uint8))
    pixels = preprocess.to_pixels(image, height=24, width=32, channels=3, fit=fit)
    assert (
        preprocess.to_input(image, rules).tobytes()
        == preprocess.normalise(pixels[None], [0.5] * 3, [0.5] * 3).tobytes()
    )
    assert rules["version"] == (2 if fit == "letterbox" else 1)
    assert rules.get("padding") == (preprocess.PADDING if fit == "letterbox" else None)
