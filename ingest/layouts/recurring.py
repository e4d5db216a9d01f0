"""Names that stand in several folders: `cam1/ok` and `cam2/ok` are one class, `Apple/healthy` and `Corn/healthy` two.

What the names mean decides. Cameras, days and copies in gray only divide a class. States such as `healthy` or `fresh`
are states of what the other folder names. Numbered names such as `character01` may be anything.
"""

import re
from collections.abc import Iterable
from typing import Literal

# Folders that cut one class, or every class, into pieces: `session_3`, `cam1`, `2024-05-01`.
PIECE = re.compile(
    r"(session|seq|sequence|video|vid|clip|batch|part|fold|day|run|take|trial|cam|camera|patient|subject|person|user"
    r"|series|scene|folder|page|slide|frame|frames|chunk|tile|tiles|round|visit|img|imgs|image|images|photo|photos"
    r"|pic|pics|picture|pictures|jpg|jpeg|png|raw|original|originals|resized|cropped|crops|augmented)?"
    r"[\s_.-]*[\d\s_.-]*",
    re.IGNORECASE,
)
_STATES = frozenset({
    "healthy", "unhealthy", "diseased", "disease", "sick", "infected", "uninfected", "fresh", "rotten", "stale",
    "spoiled", "good", "bad", "ok", "ng", "nok", "defect", "defects", "defective", "faulty", "normal", "abnormal",
    "anomaly", "ripe", "unripe", "overripe", "raw", "cooked", "open", "closed", "clean", "dirty", "damaged",
    "undamaged", "broken", "intact", "cracked", "cut", "bent", "real", "fake", "live", "spoof", "positive", "negative",
    "yes", "no", "male", "female", "left", "right", "young", "old", "dead", "alive", "on", "off", "empty", "full",
    "other", "others", "none", "unknown", "mild", "moderate", "severe", "early", "late", "dry", "wet", "new", "used",
    "rust", "blight", "scab", "mildew", "rot", "spot", "benign", "malignant",
})  # fmt: skip
_PARTS = frozenset({
    "part", "parts", "batch", "chunk", "shard", "fold", "archive", "image", "images", "img", "imgs", "photo", "photos",
    "picture", "pictures", "dataset", "datasets", "data", "split", "folder", "dir", "volume",
})  # fmt: skip
_DOMAINS = frozenset({
    "color", "colour", "grayscale", "greyscale", "gray", "grey", "segmented", "augmented", "original", "synthetic",
    "rgb", "depth", "thermal", "ir", "nir", "infrared", "visible", "day", "night", "indoor", "outdoor", "amazon",
    "dslr", "webcam", "phone", "scanner", "microscope", "photo", "art", "painting", "cartoon", "sketch", "clipart",
    "infograph", "quickdraw", "product", "images", "image", "data", "dataset", "set", "version", "view", "top",
    "front", "back", "side", "bottom", "x", "and", "of",
})  # fmt: skip
_NUMBERED = re.compile(r"[^\W\d]+[\s_.-]*\d+")
_MOST = 0.5

Kind = Literal["domains", "states", "numbered", "classes"]


def kind_of(containers: Iterable[str], recurring: set[str]) -> Kind:
    """What names that recur in several containers are."""
    outer = list(containers)
    if all(PIECE.fullmatch(name) or (_words(name) and _words(name) <= _DOMAINS) for name in outer):
        return "domains"
    if all(_NUMBERED.fullmatch(name) for name in recurring):
        return "numbered"
    if _mostly_states(outer) or _mostly_states(recurring):
        return "states"
    return "classes"


def called_after_parts(classes: Iterable[str]) -> bool:
    """Whether the names differ in their numbers alone and say that they are parts: `images_001`, `Dataset 2`."""
    bare = {re.sub(r"\d+", "#", name.casefold()) for name in classes}
    return len(bare) == 1 and bool(_words(bare.pop()) & _PARTS)


def _mostly_states(names: Iterable[str]) -> bool:
    listed = list(names)
    states = [name for name in listed if _words(name) <= _STATES]
    return len(states) > _MOST * len(listed)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", name.casefold()))
