"""The demo's dataset."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn import datasets

from patchswap.demo import digits


def test_every_scan_is_in_one_split_and_training_has_ten_of_each_class(tmp_path: Path):
    counts = digits.write(tmp_path / "digits.zip")
    assert counts == {"train": 100, "val": 100, "test": 1597}
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        places = [name.split("/")[1:] for name in archive.namelist()]
        first = np.asarray(Image.open(archive.open(archive.namelist()[0])))
    assert len({number for *_, number in places}) == 1797
    assert set(Counter(label for split, label, _ in places if split == "train").values()) == {10}
    number = int(places[0][2].removesuffix(".png"))
    assert (first == (datasets.load_digits().images[number] * 255 / 16).round()).all()


def test_the_archive_is_the_same_each_time(tmp_path: Path):
    for name in ("a.zip", "b.zip"):
        digits.write(tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
