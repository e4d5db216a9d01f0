"""Letters A to Z in fonts of this machine, 16 px, gray: no font of training is in validation or test."""

from pathlib import Path
from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.results import fonts
from contract.pack.manifest import PackManifest, Split
from tests.data import packs

SIDE_PX = 16
ENLARGED = 4  # drawn larger, turned, then averaged down
FONTS = {Split.TRAIN: 12, Split.VAL: 12, Split.TEST: 24}
POOL = 24  # families of which a draw takes its training fonts
HELD = FONTS[Split.VAL] + FONTS[Split.TEST]
NEEDED = HELD + POOL
VARIANTS = {Split.TRAIN: 2, Split.VAL: 1, Split.TEST: 1}  # images of each letter and font


def build(folder: Path, *, draw: int) -> PackManifest:
    """The pack of a draw: its training fonts and how they are turned; validation and test are always the same."""
    images, labels, splits = [], [], []
    for split, files in _fonts(draw).items():
        random = np.random.default_rng((int(split), draw if split == Split.TRAIN else 0))
        for path in files:
            for label in np.repeat(np.arange(len(ascii_uppercase)), VARIANTS[split]):
                images.append(render(ascii_uppercase[label], path, random))
                labels.append(label)
                splits.append(split)
    return packs.write(folder, images, labels=np.array(labels), splits=np.array(splits))


def render(letter: str, path: Path, random: np.random.Generator) -> np.ndarray:
    """(16, 16, 1) uint8: the letter in its own size, place, angle and contrast, and a little noise."""
    large = SIDE_PX * ENLARGED
    font = ImageFont.truetype(str(path), random.uniform(0.65, 0.95) * large, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (large, large))
    place = large / 2 + random.uniform(-0.1, 0.1, 2) * large
    ImageDraw.Draw(canvas).text(tuple(place), letter, font=font, fill=255, anchor="mm")
    turned = canvas.rotate(random.uniform(-15, 15), Image.Resampling.BILINEAR)
    ink = np.asarray(turned.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX), np.float32) / 255
    paper, contrast = random.uniform(0, 80), random.uniform(80, 175)
    noisy = paper + contrast * ink + random.normal(0, 8, ink.shape)
    return noisy.clip(0, 255).round().astype(np.uint8)[..., None]


def families() -> dict[str, list[str]]:
    """The names of the fonts, by what they are used for."""
    names = list(fonts.families(NEEDED))
    return {"val": names[: FONTS[Split.VAL]], "test": names[FONTS[Split.VAL] : HELD], "train": names[HELD:]}


def _fonts(draw: int) -> dict[Split, list[Path]]:
    files = list(fonts.families(NEEDED).values())
    chosen = np.random.default_rng((7, draw)).permutation(POOL)[: FONTS[Split.TRAIN]]
    return {
        Split.TRAIN: [files[HELD + index] for index in sorted(chosen)],
        Split.VAL: files[: FONTS[Split.VAL]],
        Split.TEST: files[FONTS[Split.VAL] : HELD],
    }
