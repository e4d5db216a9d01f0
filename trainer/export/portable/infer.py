"""Classify image files with the model beside this file: `python infer.py IMAGE...` prints one JSON line per image.

Needs numpy, Pillow and what runtime.py imports. From other code, with this folder on sys.path:
`Classifier().classify("cat.jpg")`.
"""

import argparse
import json
import os
import sys
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from postprocess import answer
from preprocess import to_input
from runtime import Model

HERE = Path(__file__).resolve().parent


class Classifier:
    """The model of a bundle's folder with its labels and its preprocessing."""

    def __init__(self, folder: Path = HERE) -> None:
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.rules = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        self.model = Model(folder)

    def classify(self, path: str | PathLike[str], top: int = 5) -> dict[str, Any]:
        """The most probable labels of one image file. Raises OSError or ValueError where it is no image."""
        (logits,) = self.model(self.read(path))
        return {"image": str(path), **answer(logits[0], self.labels, top=top)}

    def read(self, path: str | PathLike[str]) -> np.ndarray:
        """An image file as the model's input. Raises OSError or ValueError where it is no image."""
        try:
            with Image.open(path) as image:
                return to_input(image, self.rules)
        except (OSError, ValueError):
            raise
        except Exception as error:  # Pillow raises nearly anything on a malformed file
            raise ValueError(f"{type(error).__name__}: {error}") from error


def open_bundle(folder: Path = HERE) -> Classifier:
    return Classifier(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify image files; one JSON line per image.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="labels per image (default 5)")
    asked = parser.parse_args()
    if asked.top < 1:
        parser.error("--top must be at least 1")
    classifier = Classifier()
    failures = 0
    for path in asked.images:
        try:
            print(json.dumps(classifier.classify(path, top=asked.top)), flush=True)
        except BrokenPipeError:  # whoever reads the lines has enough of them, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            return 1
        except (OSError, ValueError) as error:
            failures += 1
            print(f"infer.py: {path}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
