"""The data sets: held-out images are the same in every draw and never among those of training."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from bench.results import digits, fonts, glyphs, parts
from bench.results.datasets import DATASETS
from contract.pack.manifest import Split
from trainer.data.pack import open_pack


def built(name, folder, draw):
    DATASETS[name].build(folder, draw=draw)
    return open_pack(folder)


def images(pack, split):
    hashes = pack.table.column("sha256").to_pylist()
    return [hashes[row] for row in pack.rows(split)]


@pytest.mark.parametrize("name", ["digits_10", "digits_100", "parts"])
def test_draws_differ_in_their_training_images_only(name, tmp_path):
    first, second = built(name, tmp_path / "0", 0), built(name, tmp_path / "1", 1)
    for split in (Split.VAL, Split.TEST):
        assert images(first, split) == images(second, split)
    assert set(images(first, Split.TRAIN)) != set(images(second, Split.TRAIN))
    held = set(images(first, Split.VAL)) | set(images(first, Split.TEST))
    assert not held & (set(images(first, Split.TRAIN)) | set(images(second, Split.TRAIN)))
    assert built(name, tmp_path / "again", 1).manifest == second.manifest


def test_digits_have_as_many_of_each_class_as_they_say(tmp_path):
    counts = digits.build(tmp_path, draw=3, per_class=50).counts
    assert [set(counts[split].values()) for split in ("train", "val", "test")] == [{50}, {20}, {50}]


def test_photographs_of_training_are_in_no_other_split():
    names = [name for photographs in parts.PHOTOGRAPHS.values() for name in photographs]
    assert len(names) == len(set(names))


def test_a_part_tells_its_class_by_its_texture_wherever_it_is():
    """Two images of a class share no place and no colour, but the texture is in both."""
    gray = [np.full((48, 48, 3), 128, np.uint8)]
    random = np.random.default_rng(0)
    first, second = (parts.compose(0, gray, random) for _ in range(2))
    assert (first != 128).any(axis=2).sum() <= parts.COPIES * parts.PART_PX**2
    assert not np.array_equal(first, second)


@pytest.fixture
def few_fonts(monkeypatch):
    """The fonts that matplotlib brings, so that every machine has some; a font for each role."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    monkeypatch.setattr(fonts, "_files", lambda: folder.glob("*.ttf"))
    monkeypatch.setattr(glyphs, "FONTS", dict.fromkeys(Split, 1))
    for name, number in {"POOL": 2, "HELD": 2, "NEEDED": 4}.items():
        monkeypatch.setattr(glyphs, name, number)
    fonts.usable.cache_clear()
    yield
    fonts.usable.cache_clear()


def test_fonts_of_training_validation_and_test_are_different_families(few_fonts, tmp_path):
    roles = glyphs.families()
    assert len({name for names in roles.values() for name in names}) == sum(map(len, roles.values())) == 4
    first, second = (glyphs.build(tmp_path / str(draw), draw=draw) for draw in (0, 1))
    assert set(first.counts["train"].values()) == {2}
    assert first.digest != second.digest
    assert images(open_pack(tmp_path / "0"), Split.TEST) == images(open_pack(tmp_path / "1"), Split.TEST)


def test_clones_and_symbol_fonts_are_left_out(few_fonts):
    found = fonts.usable()
    assert "DejaVu Sans" in found
    assert fonts.alphabet(found["DejaVu Sans"].with_name("DejaVuSansDisplay.ttf")) is None  # a few symbols, no letters
    looks = [fonts.alphabet(path) for path in found.values()]
    apart = [np.abs(one - other).mean() for n, one in enumerate(looks) for other in looks[:n]]
    assert min(apart) >= fonts.COPY_BELOW


def test_too_few_fonts_say_what_to_install(few_fonts):
    with pytest.raises(fonts.TooFewFonts, match=r"apt-get install .*fonts-dejavu-core"):
        fonts.families(1000)
