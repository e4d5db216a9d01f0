"""Numbers and names out of JSON that strangers wrote. What is none raises Unusable, and so costs one image only."""

import math
from typing import Any

from ingest import names
from ingest.annotations.regions import Polygons, polygon
from ingest.notes import Unusable

_FIX = "Correct the annotation, or export it again."


def number(stated: object, what: str) -> float:
    """A finite number, or text of one."""
    try:
        value = float(stated) if isinstance(stated, int | float | str) and not isinstance(stated, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        shown = names.printable(str(stated))[:50]
        raise Unusable("box_malformed", f"{what} is {shown!r}, not a number.", _FIX)
    return value


def numbers(stated: object, keys: tuple[str, ...], what: str) -> list[float]:
    if not isinstance(stated, dict):
        raise Unusable("box_malformed", f"{what} has no {', '.join(keys)}.", _FIX)
    return [number(stated.get(key), f"the {key} of {what}") for key in keys]


def label(stated: object) -> str:
    found = names.class_name(stated)
    if found is None:
        raise Unusable("label_missing", "An object of the annotation has no class.", "Name its class.")
    return found


def pairs(stated: object) -> list[list[float]]:
    """Points as [x, y] or {"x": x, "y": y}."""
    if not isinstance(stated, list):
        raise Unusable("region_malformed", "An object has no list of points.", _FIX)
    return [_pair(point) for point in stated]


def outline(stated: object, holes: object = ()) -> Polygons:
    """A polygon out of pairs, with holes if there are any."""
    inner = holes if isinstance(holes, list) else []
    return Polygons([polygon(pairs(stated))], tuple(polygon(pairs(hole)) for hole in inner))


def size(height: object, width: object) -> tuple[int, int] | None:
    """As stated, if both are whole numbers above 0."""
    sound = all(isinstance(side, int | float) and not isinstance(side, bool) for side in (height, width))
    if not sound or not all(0 < float(side) < 1e6 and float(side).is_integer() for side in (height, width)):  # type: ignore[arg-type]
        return None
    return int(height), int(width)  # type: ignore[call-overload]


def entries(stated: object) -> list[dict[str, Any]]:
    """The objects of a list, without what is none."""
    return [each for each in stated if isinstance(each, dict)] if isinstance(stated, list) else []


def _pair(point: object) -> list[float]:
    if isinstance(point, dict):
        point = [point.get("x"), point.get("y")]
    if not isinstance(point, list) or len(point) < 2:
        raise Unusable("region_malformed", "A point is no pair of x and y.", _FIX)
    return [number(point[0], "an x"), number(point[1], "a y")]
