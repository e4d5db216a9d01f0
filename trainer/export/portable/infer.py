"""Classify image files with the model beside this file: `python infer.py IMAGE...` prints one JSON line per image.

Needs numpy, Pillow and onnxruntime. From other code: `Classifier().classify("cat.jpg")`.
"""

import argparse
import json
import os
import sys
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


class Classifier:
    """The model of a bundle's folder with its labels and its preprocessing."""

    def __init__(self, folder: Path = HERE) -> None:
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.rules = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def classify(self, path: str | PathLike[str], top: int = 5) -> dict[str, Any]:
        """The most probable labels of one image file. Raises OSError or ValueError where it is no image."""
        (logits,) = self.session.run(["logits"], {"image": self.read(path)})
        probabilities = softmax(logits[0])
        order = np.argsort(-probabilities, kind="stable")[:top]
        ranking = [{"label": self.labels[i], "probability": float(probabilities[i])} for i in order]
        return {"image": str(path), **ranking[0], "top": ranking}

    def read(self, path: str | PathLike[str]) -> np.ndarray:
        """An image file as the model's input. Raises OSError or ValueError where it is no image."""
        try:
            with Image.open(path) as image:
                return preprocess(image, self.rules)
        except (OSError, ValueError):
            raise
        except Exception as error:  # Pillow raises nearly anything on a malformed file
            raise ValueError(f"{type(error).__name__}: {error}") from error


def preprocess(image: Image.Image, rules: dict[str, Any]) -> np.ndarray:
    """An image as float32 (1, channels, height, width): upright, 8 bit, resized, normalised."""
    if image.mode in {"I", "F"}:
        raise ValueError(f"pixels of mode {image.mode} have no agreed range; save the image with 8 bits a channel")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):  # the high byte; Pillow's own conversion would clip
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    upright = upright.convert(rules["mode"])
    size = (rules["width"], rules["height"])
    if upright.size != size:
        upright = upright.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(upright, dtype=np.uint8).reshape(rules["height"], rules["width"], -1)
    scaled = pixels.astype(np.float32) / np.float32(rules["divide_by"])
    normalised = (scaled - np.asarray(rules["mean"], np.float32)) / np.asarray(rules["std"], np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return shifted / shifted.sum()


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
