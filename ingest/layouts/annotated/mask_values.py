"""What the gray values of a set's masks stand for: decided once for the set, and said where it might be otherwise."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from contract.pack.manifest import BACKGROUND, IGNORE
from contract.specs.reading import ReadingSpec
from ingest.annotations.mask_survey import Pixels
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.name_lists import ClassNames

Meaning = dict[int, str | None]  # value -> class; None: to be ignored
_OBJECT = "foreground"
FEW_FILES = 0.05  # share of the masks that may hold a stray value; each of these is refused
_BLACK, _WHITE = 9, 247  # noise about 0 and 255 stays below and above
_LIKELY_CLASSES = 32  # class numbers are mostly below
_EDGE_VALUES = 3
_EDGE_PEAK = 0.6  # of the white pixels, at most, that one gray of an edge has; a class of its own has more
_EDGE_SHARE = 0.1  # of the pixels, at most, that blurred edges make
LEVEL_STEP = 20  # class numbers stand closer together than levels of gray
_MOST_CLASSES = 100  # without names
_MANY_OBJECTS = 4  # numbers without gaps, from here on, are those of objects
_BACKGROUNDS = {"background", "_background_", "__background__", "bg"}


@dataclass
class Pool:
    """The values of all gray masks together."""

    pixels: Pixels
    sets: Counter[frozenset[int]]
    crowded: int = 0  # masks of more than 64 values
    lossy: bool = False

    @property
    def values(self) -> set[int]:
        return set(np.flatnonzero(self.pixels).tolist())


@dataclass
class Decided:
    meaning: Meaning
    order: list[str]  # of classes
    threshold: int | None = None
    said: list[tuple[str, str, str | None]] = field(default_factory=list)  # code, message, fix

    def tell(self, findings: Findings) -> None:
        for code, message, fix in self.said:
            findings.add("warning", code, message, fix=fix)


def decide_values(pool: Pool, named: ClassNames | None, asked: ReadingSpec) -> Decided:
    """Raises Refused where the values can be meant in two ways and nothing decides."""
    if asked.instances_as is not None:
        return _instances(pool, asked.instances_as)
    if _is_blurred(pool) and (named is None or len(named.names) <= 2):
        return _blurred(pool, named)
    if named is not None:
        return _with_names(pool, named)
    return _without_names(pool)


def _instances(pool: Pool, label: str) -> Decided:
    objects = pool.values - {0}
    whole = objects == {IGNORE}
    meaning: Meaning = {value: label for value in objects if value != IGNORE or whole}
    decided = Decided(meaning | {0: BACKGROUND}, [BACKGROUND, label])
    if IGNORE in objects and not whole:
        decided.said.append(("masks_void", "the value 255 is to be ignored; all others but 0 are objects", None))
    return decided


def _is_blurred(pool: Pool) -> bool:
    """Black and white with gray edges, as JPEG and scaling leave them: many values between, hardly a pixel of each."""
    total, white = int(pool.pixels.sum()), int(pool.pixels[_WHITE:].sum())
    between = pool.pixels[_BLACK:_WHITE]
    if not white or int(between.sum()) > _EDGE_SHARE * total or _is_even(sorted(pool.values)):
        return False
    if pool.lossy:
        return len(pool.values) > 2
    near_white = len(np.flatnonzero(pool.pixels[_WHITE:IGNORE]))
    values = len(np.flatnonzero(pool.pixels[_LIKELY_CLASSES:_WHITE]))
    return near_white + values >= _EDGE_VALUES and int(between.max()) <= _EDGE_PEAK * white


def _blurred(pool: Pool, named: ClassNames | None) -> Decided:
    black, white = _two_names(named)
    between = int(pool.pixels[_BLACK:_WHITE].sum())
    message = f"The masks are black and white with gray edges ({between / pool.pixels.sum():.2%} of the pixels): "
    message += f"pixels from 128 on were read as {white!r}, others as {black!r}."
    fix = "Save masks as PNG and scale them without smoothing (nearest neighbour)."
    return Decided({0: black, IGNORE: white}, [black, white], threshold=128, said=[("masks_blurred", message, fix)])


def _two_names(named: ClassNames | None) -> tuple[str, str]:
    """What black and white stand for."""
    if named is None:
        return BACKGROUND, _OBJECT
    return (BACKGROUND, named.names[0]) if len(named.names) == 1 else (named.names[0], named.names[1])


def _with_names(pool: Pool, named: ClassNames) -> Decided:
    by_number = {number: name for number in range(256) if (name := named.name(number)) is not None}
    values = pool.values
    plain: Meaning = dict(by_number)
    if 0 not in plain and 0 in values:
        plain[0] = BACKGROUND
    order = list(dict.fromkeys(([BACKGROUND] if 0 not in by_number and 0 in values else []) + named.names))
    if values <= {0, IGNORE} and IGNORE in values:
        return _black_and_white(named)
    beyond = values - set(plain) - {IGNORE}
    if not beyond:
        return Decided(plain, order, said=_doubts_of_zero(pool, by_number, named))
    if _is_one_more(values, named):
        message = f"{named.path} names {len(named.names)} classes, the masks hold 0 to {max(values - {IGNORE})}: "
        message += f"0 was read as {BACKGROUND!r} and 1 as {named.names[0]!r}."
        shifted: Meaning = dict(enumerate([BACKGROUND, *named.names]))
        fix = f"Write {BACKGROUND!r} as the first name of {named.path}."
        return Decided(shifted, [BACKGROUND, *named.names], said=[("background_unnamed", message, fix)])
    strays = sum(count for found, count in pool.sets.items() if found & beyond)
    if strays + pool.crowded <= FEW_FILES * max(sum(pool.sets.values()) + pool.crowded, 1):
        return Decided(plain, order)
    if (levels := _levels(values, len(named.names))) is not None:
        return _of_levels(levels, named, ignored=values - set(levels))
    raise _beyond(pool, beyond, named)


def _doubts_of_zero(pool: Pool, by_number: dict[int, str], named: ClassNames) -> list[tuple[str, str, str | None]]:
    """Names without a background, whose first class covers nearly everything."""
    share = int(pool.pixels[0]) / max(int(pool.pixels.sum()), 1)
    first = by_number.get(0)
    if first is None or share < 0.5 or any(name.casefold() in _BACKGROUNDS for name in named.names):
        return []
    if max(pool.values - {IGNORE}, default=0) >= len(named.names) - 1:
        return []  # every number is used, so nothing else can be meant
    message = f"0 was read as {first!r}, the first name of {named.path}, and covers {share:.0%} of the pixels; "
    message += "if 0 is the background, every class is one number off."
    return [("background_unnamed", message, f"Write {BACKGROUND!r} as the first name if 0 is the background.")]


def _black_and_white(named: ClassNames | None) -> Decided:
    if named is not None and len(named.names) > 2:
        message = (
            f"The masks hold 0 and 255 only, but {named.path} names {len(named.names)} classes. 255 usually means "
            "to ignore, and then the masks hold only the first class."
        )
        fix = "Say what 255 is, as --map 255=1, or save class numbers: 0, 1, 2 and so on."
        raise Refused("masks_black_and_white", message, fix)
    black, white = _two_names(named)
    message = (
        f"The masks hold 0 and 255 only: 255 was read as {white!r}, because as pixels to ignore it would leave nothing "
        f"but {black!r}."
    )
    fix = "Save class numbers 0 and 1 to be sure; pixels to ignore are then 255."
    return Decided({0: black, IGNORE: white}, [black, white], said=[("masks_black_and_white", message, fix)])


def _is_one_more(values: set[int], named: ClassNames) -> bool:
    """Whether the values are 0 to as many as there are names, none of which is a background."""
    highest = max(values - {IGNORE}, default=0)
    bare = not any(name.casefold() in _BACKGROUNDS for name in named.names)
    return bare and named.numbers is None and highest == len(named.names) and 0 in values


def _levels(values: set[int], count: int) -> list[int] | None:
    """The values in their order, where there are as many as classes and they stand far apart."""
    for found in (sorted(values), sorted(values - {IGNORE})):
        if len(found) == count > 1 and min(np.diff(found)) >= LEVEL_STEP:
            return found
    return None


def _of_levels(levels: list[int], named: ClassNames | None, *, ignored: set[int]) -> Decided:
    labels = [named.names[at] if named else f"class_{value}" for at, value in enumerate(levels)]
    shown = ", ".join(f"{value} as {label!r}" for value, label in zip(levels, labels, strict=True))
    message = f"The masks hold levels of gray, not class numbers: {shown}."
    if ignored:
        message += f"; {', '.join(map(str, sorted(ignored)))} is to be ignored"
    fix = "If that is wrong, save class numbers 0, 1, 2 and so on, or add a labelmap."
    meaning: Meaning = dict(zip(levels, labels, strict=True))
    return Decided(meaning, labels, said=[("masks_of_levels", message, fix)])


def _beyond(pool: Pool, beyond: set[int], named: ClassNames) -> Refused:
    if _numbers_objects(pool) >= 2:
        message = f"The masks hold the values 1 to {max(pool.values - {IGNORE})} without gaps, more than {named.path} "
        message += "names: they seem to number objects, not classes."
        return Refused("masks_of_instances", message, "Say of which class they are: --instances-as NAME.")
    shown = ", ".join(map(str, sorted(beyond)[:8]))
    message = f"The masks hold the values {shown}, but the classes of {named.path} are {named.shown_numbers()}."
    fix = "Correct the masks, name every class, or say what a value is, as --map 255=1."
    return Refused("class_out_of_range", message, fix)


def _without_names(pool: Pool) -> Decided:
    values = pool.values
    if values <= {0, IGNORE} and IGNORE in values:
        return _black_and_white(None)
    objects = _numbers_objects(pool)
    if objects >= _MANY_OBJECTS:
        message = f"The values of each mask run from 1 to the number of its objects, up to {objects}, without gaps: "
        message += "they seem to number objects, not classes."
        fix = "Say of which class the objects are, --instances-as NAME, or add classes.txt if they are classes."
        raise Refused("masks_of_instances", message, fix)
    known = sorted(values - {IGNORE})
    if len(known) > _MOST_CLASSES or pool.crowded:
        message = f"The masks hold {len(values)} different values, too many for classes without names."
        fix = "Save masks as PNG of class numbers, or add classes.txt."
        raise Refused("masks_unclear", message, fix)
    if IGNORE in values and _is_even(sorted(values)):
        shown = ", ".join(map(str, sorted(values)))
        message = f"The masks hold {shown}: 255 may be a class, or pixels to ignore."
        fix = f"Say which: --map 255={len(known)} for a class, or add classes.txt with {len(known)} names to ignore it."
        raise Refused("masks_of_levels", message, fix)
    if len(known) > 1 and min(np.diff(known)) >= LEVEL_STEP:
        return _of_levels(known, None, ignored=values & {IGNORE})
    labels = [f"class_{value}" for value in known]
    decided = Decided(dict(zip(known, labels, strict=True)), labels)
    if objects >= 2:
        message = f"The values of each mask run from 1 up to {objects} without gaps; they were read as classes."
        decided.said.append(("masks_of_instances", message, "If they number objects, pass --instances-as NAME."))
    message = "no list of names was found, so the classes are called by their numbers: " + ", ".join(labels[:6])
    decided.said.append(("classes_unnamed", message, "Add classes.txt with one name a line, the first for 0."))
    return decided


def _numbers_objects(pool: Pool) -> int:
    """The highest number, where each mask holds 1 to n without gaps and n differs; else 0."""
    highest = set()
    for found in pool.sets:
        numbers = found - {0, IGNORE}
        if numbers and numbers != set(range(1, len(numbers) + 1)):
            return 0
        highest.add(len(numbers))
    return max(highest) if len(highest - {0}) > 1 else 0


def _is_even(values: list[int]) -> bool:
    """Whether levels stand at equal distances from 0 to 255: 0, 128, 255."""
    steps = np.diff(values)
    return len(values) > 2 and values[0] == 0 and int(steps.min()) >= LEVEL_STEP and int(np.ptp(steps)) <= 2
