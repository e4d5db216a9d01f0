"""Scenes with exact masks and boxes: letters of many faces, coloured and turned, on photographs and textures.

The faces are those that matplotlib ships, so that a bare checkout can draw them; `faces` may name others, such as the
Debian font packages of `bench.results.fonts`. The same arguments give the same scenes.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LETTERS = ("A", "G", "K", "S")
BACKGROUND = "background"
_PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "brick", "grass", "gravel", "camera", "coins", "moon")
_FACES = (
    "DejaVuSans*.ttf",
    "DejaVuSerif*.ttf",
    "STIXGeneral*.ttf",
    "cmr10.ttf",
    "cmss10.ttf",
    "cmb10.ttf",
    "cmtt10.ttf",
)
_NO_LETTERS = ("Display",)
_PLACES = 40  # tries to find room for a letter


@dataclass(frozen=True)
class Scene:
    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    mask: NDArray[np.uint8]  # (H, W): 0 background, then the letters
    boxes: NDArray[np.float32]  # (N, 4): x1, y1, x2, y2, tight around the letter's pixels
    labels: NDArray[np.int64]  # (N,): place in the letters
    instances: NDArray[np.int64]  # (H, W): 0 background, else which box, from 1


def draw(
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (96, 96),
    letters: tuple[str, ...] = LETTERS,
    most: int = 3,
    faces: tuple[Path, ...] = (),
) -> list[Scene]:
    """`count` scenes of (height, width) with 1 to `most` letters each, none over another."""
    chosen = faces or default_faces()
    return [
        _scene(
            f"{number:05d}", np.random.default_rng((seed, number)), size=size, letters=letters, most=most, faces=chosen
        )
        for number in range(count)
    ]


@cache
def default_faces() -> tuple[Path, ...]:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    found = {path for pattern in _FACES for path in folder.glob(pattern)}
    return tuple(sorted(path for path in found if not any(word in path.name for word in _NO_LETTERS)))


def _scene(
    name: str, random: np.random.Generator, *, size: tuple[int, int], letters: tuple[str, ...], most: int, faces: tuple
) -> Scene:
    image = _background(random, size)
    instances = np.zeros(size, np.int64)
    labels: list[int] = []
    for _ in range(int(random.integers(1, most + 1))):
        label = int(random.integers(len(letters)))
        glyph = _glyph(letters[label], faces[int(random.integers(len(faces)))], random, min(size))
        place = _room(glyph.shape, instances, random)
        if place is None:
            continue
        top, left = place
        window = (slice(top, top + glyph.shape[0]), slice(left, left + glyph.shape[1]))
        labels.append(label)
        instances[window][glyph] = len(labels)
        image[window][glyph] = _ink(image[window], glyph, random)
    numbers = np.array(labels, np.int64)
    mask = np.concatenate([[0], numbers + 1])[instances].astype(np.uint8)
    boxes = np.array([_tight(instances == at + 1) for at in range(len(labels))], np.float32).reshape(-1, 4)
    return Scene(name, image, mask, boxes, numbers, instances)


def _glyph(letter: str, face: Path, random: np.random.Generator, side: int) -> NDArray[np.bool_]:
    """The letter's pixels, cut tight, between a quarter and a half of the scene's side high."""
    font = ImageFont.truetype(str(face), random.uniform(0.35, 0.65) * side, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (2 * side, 2 * side))
    ImageDraw.Draw(canvas).text((side, side), letter, font=font, fill=255, anchor="mm")
    turned = np.asarray(canvas.rotate(random.uniform(-20, 20), Image.Resampling.BILINEAR)) >= 128
    x1, y1, x2, y2 = _tight(turned)
    return turned[y1:y2, x1:x2]


def _room(shape: tuple[int, int], instances: NDArray[np.int64], random: np.random.Generator) -> tuple[int, int] | None:
    """Where the letter's rectangle touches no other letter; None where none was found."""
    height, width = shape
    if height > instances.shape[0] or width > instances.shape[1]:
        return None
    for _ in range(_PLACES):
        top = int(random.integers(instances.shape[0] - height + 1))
        left = int(random.integers(instances.shape[1] - width + 1))
        if not instances[top : top + height, left : left + width].any():
            return top, left
    return None


def _ink(window: NDArray[np.uint8], glyph: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.uint8]:
    """A colour away from what lies beneath, with a little grain."""
    beneath = window[glyph].mean(axis=0)
    colour = np.where(beneath > 128, random.uniform(0, 60, 3), random.uniform(195, 255, 3))
    return (colour + random.normal(0, 8, (int(glyph.sum()), 3))).clip(0, 255).astype(np.uint8)


def _background(random: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    photo = _photo(_PHOTOS[int(random.integers(len(_PHOTOS)))])
    share = random.uniform(0.3, 1.0)
    height, width = (int(side * share) for side in photo.shape[:2])
    top, left = int(random.integers(photo.shape[0] - height + 1)), int(random.integers(photo.shape[1] - width + 1))
    cut = Image.fromarray(photo[top : top + height, left : left + width]).resize((size[1], size[0]))
    return (np.asarray(cut) * random.uniform(0.6, 1.0, 3)).astype(np.uint8)


@cache
def _photo(name: str) -> NDArray[np.uint8]:
    photo = getattr(skimage.data, name)()
    return photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)


def _tight(filled: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 around the pixels that are set; the last are exclusive."""
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
