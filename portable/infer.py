"""Say what image files show, by the model beside this file: `python infer.py IMAGE...` prints one JSON line per image.

What is said, and what may be asked for, is the task's (postprocess.py; `--help` lists it). Where there is something to
be drawn, `--draw FOLDER` also writes each image there as a PNG file, what was found drawn over it. README.md names the
packages that it needs; HEIC pictures need pillow-heif too. From other code, with this folder on sys.path:
`open_bundle().answer("street.jpg")`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import postprocess
from PIL import Image, ImageOps, UnidentifiedImageError
from preprocess import parts, tiles_of, to_input, whole_size
from runtime import Model

try:
    import pillow_heif
except ImportError:  # only HEIC pictures need it
    pillow_heif = None

if TYPE_CHECKING:
    from os import PathLike

HERE = Path(__file__).resolve().parent
DRAWS = hasattr(postprocess, "draw")
AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class Bundle:
    """The model of a bundle's folder with its labels and its preprocessing."""

    def __init__(self, folder: Path) -> None:
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.rules = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        self.model = Model(folder)

    def answer(self, path: str | PathLike[str], drawn: Path | None = None, **asked: float) -> dict[str, Any]:
        """What one image file shows; also drawn, as a PNG file. Raises OSError or ValueError where it is no image.

        What may be asked for are `postprocess.OPTIONS`.
        """
        image = self._open(path)
        size = (image.height, image.width)
        tiles = tiles_of(size, self.rules)
        said = [self._said(part, tile.place) for part, tile in zip(parts(image, tiles), tiles)]
        outputs, sizes = postprocess.merged(said, [tile.place for tile in tiles]), (whole_size(tiles), size)
        defaults = {name: option["default"] for name, option in postprocess.OPTIONS.items()}
        options = {**defaults, **asked}
        found = {"image": str(path), **postprocess.answer(outputs, self.labels, sizes=sizes, **options)}
        if drawn is None:
            return found
        postprocess.draw(image, outputs, found).save(drawn, "PNG")
        return {**found, "drawn": str(drawn)}

    def read(self, path: str | PathLike[str]) -> np.ndarray:
        """An image file as the model's input, a row a tile. Raises OSError or ValueError where it is no image."""
        image = self._open(path)
        tiles = tiles_of((image.height, image.width), self.rules)
        return np.concatenate([to_input(part, self.rules) for part in parts(image, tiles)])

    def _said(self, part: Image.Image, place: tuple[int, int, int, int]) -> list[np.ndarray]:
        """The outputs for one tile, or for an image that is not cut, without what lies in the padding."""
        outputs = [output[0] for output in self.model(to_input(part, self.rules))]
        return postprocess.unpadded(outputs, place[2:])

    def _open(self, path: str | PathLike[str]) -> Image.Image:
        """Upright. Pillow raises nearly anything on a malformed file."""
        try:
            with Image.open(path) as image:
                return ImageOps.exif_transpose(image)
        except UnidentifiedImageError as error:
            raise ValueError(_remedy(Path(path)) or str(error)) from error
        except (OSError, ValueError):
            raise
        except Exception as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def open_bundle(folder: Path = HERE) -> Bundle:
    if pillow_heif is not None:
        pillow_heif.register_heif_opener(thumbnails=False)
    return Bundle(folder)


def _remedy(path: Path) -> str | None:
    """What to install for a picture that Pillow does not know; HEIC and AVIF share a container, whose brands differ."""
    with path.open("rb") as file:
        start = file.read(64)
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, min(int.from_bytes(start[:4], "big"), 64), 4))]
    if start[4:8] != b"ftyp":
        return None
    if any(brand in AVIF for brand in brands):
        return "AVIF pictures need Pillow 11.3 or newer: pip install 'Pillow>=11.3' (Python 3.9 or newer)"
    if pillow_heif is None and any(brand in HEIC for brand in brands):
        return "HEIC pictures need one more package: pip install pillow-heif"
    return None


def main() -> int:
    asked = _arguments()
    if asked.draw:
        asked.draw.mkdir(parents=True, exist_ok=True)
    bundle, options = open_bundle(), {name: getattr(asked, name) for name in postprocess.OPTIONS}
    failures = 0
    for number, path in enumerate(asked.images):
        # numbered, for two folders may hold files of one name
        drawn = asked.draw / f"{number:04d}-{Path(path).stem}.png" if asked.draw else None
        try:
            print(json.dumps(bundle.answer(path, drawn, **options)), flush=True)
        except BrokenPipeError:  # whoever reads the lines has enough of them, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            return 1
        except (OSError, ValueError) as error:
            failures += 1
            print(f"infer.py: {path}: {error}", file=sys.stderr)
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Say what image files show; one JSON line per image.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    for name, option in postprocess.OPTIONS.items():
        default = option["default"]
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{option['help']} ({default})")
    parser.set_defaults(draw=None)
    if DRAWS:
        parser.add_argument("--draw", type=Path, metavar="FOLDER", help="write each image with what was found on it")
    asked = parser.parse_args()
    for name, option in postprocess.OPTIONS.items():
        if not getattr(asked, name) >= option["least"]:
            parser.error(f"--{name} must be at least {option['least']}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
