"""Which file goes with which image: `images/train/7.jpg` with `masks/train/7.png` or `train/labels/7.txt`."""

import re

from ingest import names

Key = tuple[str, ...]
IMAGE_ROLES = frozenset({"images", "image", "imgs", "img", "jpegimages", "inputs"})
MASK_ROLES = frozenset(
    {"masks", "mask", "labels", "label", "annotations", "annotation", "segmentation", "segmentationclass", "gt"}
)
LABEL_ROLES = frozenset({"labels", "label", "annotations", "annotation", "bboxes", "boxes"})
_MASK_ENDING = re.compile(r"[_-](mask|masks|label|labels|labelids|gt|seg|segmentation|annotation)$", re.IGNORECASE)


def key(path: str, roles: frozenset[str]) -> Key:
    """The path without its suffix and without the words that say what the folder is for."""
    folders = [_without(part, roles) for part in path.split("/")[:-1]]
    return (*filter(None, folders), names.stem(path))


def plays(path: str, roles: frozenset[str]) -> bool:
    """Whether one of the folders around a file is named by one of these words."""
    return any(roles & set(_words(part)) for part in path.split("/")[:-1])


def bare_key(found: Key) -> Key:
    """The key of a mask that carries its role in its own name: `7_mask.png`."""
    return (*found[:-1], _MASK_ENDING.sub("", found[-1]))


def _without(part: str, roles: frozenset[str]) -> str:
    kept = [word for word in _words(part) if word not in roles]
    return "_".join(kept)


def _words(part: str) -> list[str]:
    return [word for word in re.split(r"[\s_.-]+", part.lower()) if word]
