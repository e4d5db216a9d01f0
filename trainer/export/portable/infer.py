"""Classify image files with the model beside this file: `python infer.py IMAGE...` prints one JSON line per image.

Needs numpy, Pillow and onnxruntime. From other code: `Classifier().classify("cat.jpg")`.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


class Classifier:
    """The model of a bundle's folder with its labels and its preprocessing."""

    def __init__(self, folder=HERE):
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.rules = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def classify(self, path, top=5):
        """The most probable labels of one image file. Raises OSError or ValueError where it is no image."""
        with open_image(path) as image:
            batch = preprocess(image, self.rules)
        (logits,) = self.session.run(["logits"], {"image": batch})
        probabilities = softmax(logits[0])
        order = np.argsort(-probabilities, kind="stable")[:top]
        ranking = [{"label": self.labels[i], "probability": float(probabilities[i])} for i in order]
        return {"image": str(path), **ranking[0], "top": ranking}


def open_image(path):
    """Open an image file. Raises OSError or ValueError, whatever is wrong with it."""
    try:
        image = Image.open(path)
        image.load()
    except (Image.DecompressionBombError, SyntaxError) as error:
        raise ValueError(str(error)) from error
    return image


def preprocess(image, rules):
    """An image as the network's input, float32 (1, channels, height, width): upright, resized, normalised."""
    upright = ImageOps.exif_transpose(image).convert(rules["mode"])
    size = (rules["width"], rules["height"])
    if upright.size != size:
        upright = upright.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(upright, dtype=np.uint8).reshape(rules["height"], rules["width"], -1)
    scaled = pixels.astype(np.float32) / np.float32(255)
    normalised = (scaled - np.asarray(rules["mean"], np.float32)) / np.asarray(rules["std"], np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def softmax(logits):
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return shifted / shifted.sum()


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Classify image files; one JSON line per image.")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="labels per image (default 5)")
    asked = parser.parse_args(arguments)
    if asked.top < 1:
        parser.error("--top must be at least 1")
    classifier = Classifier()
    failures = 0
    for path in asked.images:
        try:
            print(json.dumps(classifier.classify(path, top=asked.top)), flush=True)
        except (OSError, ValueError) as error:
            failures += 1
            print(f"infer.py: {path}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
