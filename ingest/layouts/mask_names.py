"""Names of pictures that are one of several masks of another: `7_mask_1.png`, `7_mask (2).png`, `mask_3.png`."""

import re
from typing import NamedTuple

from ingest import names

_NUMBERED = re.compile(
    r"(?:(?P<picture>.+?)[_\s.-]+)?(?P<word>masks?|segmentation|seg|ground_?truth|gt)[_\s.-]*\(?\d{1,3}\)?",
    re.IGNORECASE,
)


class NumberedMask(NamedTuple):
    base: str  # the path without number and suffix
    picture: str | None  # the stem of the picture, where the name has one


def numbered(path: str) -> NumberedMask | None:
    found = _NUMBERED.fullmatch(names.stem(path))
    if found is None:
        return None
    folder, slash, _ = path.rpartition("/")
    return NumberedMask(f"{folder}{slash}{found.string[: found.end('word')]}", found["picture"])
