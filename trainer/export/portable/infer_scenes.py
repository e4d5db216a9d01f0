"""Find things in image files with the model beside this file: `python infer.py IMAGE...`, one JSON line per image.

With `--draw FOLDER` each image is also written there as a PNG file, what was found drawn over it. Needs numpy, Pillow
and what runtime.py imports. From other code, with this folder on sys.path: `open_bundle().find("street.jpg")`.
"""

import argparse
import json
import os
import sys
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from postprocess import answer, draw
from preprocess import to_input
from runtime import Model

HERE = Path(__file__).resolve().parent


class Finder:
    """The model of a bundle's folder with its labels and its preprocessing."""

    def __init__(self, folder: Path) -> None:
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.rules = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        self.model = Model(folder)

    def find(self, path: str | PathLike[str], top: int = 5, drawn: Path | None = None) -> dict[str, Any]:
        """What one image file shows; also drawn, as a PNG file. Raises OSError or ValueError where it is no image."""
        (output,) = self.model(self.read(path))
        found = {"image": str(path), **answer(output[0], self.labels, top=top)}
        if drawn is None:
            return found
        with Image.open(path) as image:
            draw(ImageOps.exif_transpose(image), output[0]).save(drawn, "PNG")
        return found | {"drawn": str(drawn)}

    def read(self, path: str | PathLike[str]) -> np.ndarray:
        """An image file as the model's input. Raises OSError or ValueError where it is no image."""
        try:
            with Image.open(path) as image:
                return to_input(image, self.rules)
        except (OSError, ValueError):
            raise
        except Exception as error:  # Pillow raises nearly anything on a malformed file
            raise ValueError(f"{type(error).__name__}: {error}") from error


def open_bundle(folder: Path = HERE) -> Finder:
    return Finder(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description="Find things in image files; one JSON line per image.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="what to name per image (default 5)")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="write each image with what was found drawn on it")
    asked = parser.parse_args()
    if asked.top < 1:
        parser.error("--top must be at least 1")
    if asked.draw:
        asked.draw.mkdir(parents=True, exist_ok=True)
    finder = open_bundle()
    failures = 0
    for number, path in enumerate(asked.images):
        # numbered, for two folders may hold files of one name
        drawn = asked.draw / f"{number:04d}-{Path(path).stem}.png" if asked.draw else None
        try:
            print(json.dumps(finder.find(path, asked.top, drawn)), flush=True)
        except BrokenPipeError:  # whoever reads the lines has enough of them, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            return 1
        except (OSError, ValueError) as error:
            failures += 1
            print(f"infer.py: {path}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
