"""One way to read all masks of a set: values, palettes and colours become classes, as names and a person say."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from contract.pack.manifest import BACKGROUND, IGNORE
from contract.specs.reading import ReadingSpec
from ingest.annotations.mask_images import Colour
from ingest.annotations.mask_key import MaskKey, table
from ingest.annotations.mask_survey import Survey
from ingest.findings import Findings, Refused
from ingest.layouts.annotated import mask_colours, stray_values, void_level
from ingest.layouts.annotated.mask_colours import Palettes
from ingest.layouts.annotated.mask_values import Decided, Meaning, Pool, decide_values
from ingest.layouts.annotated.name_lists import ClassNames
from ingest.layouts.annotated.naming import check_options, tell_options

HONOURED = frozenset({"map", "drop", "labelmap", "masks", "unlabelled", "instances_as"})
_VOID = {"void", "ignore", "ignored", "dontcare", "don't care", "dont care", "__ignore__", "_ignore_"}
_FOREGROUND = "foreground"
_MOSTLY = 0.5  # of the pixels


class MaskReading(NamedTuple):
    classes: list[str]
    key: MaskKey
    known: str  # the values of the set, as people read them


def decide(survey: Survey, named: ClassNames | None, asked: ReadingSpec, findings: Findings) -> MaskReading:
    """Raises Refused where nothing says what the masks mean."""
    named = _of_labelmap(asked) or named
    labelled = named.colours if named else None
    mask_colours.check_colours(survey, labelled)
    palettes = mask_colours.palettes_of(survey, labelled, len(named.names) if named else 0, findings)
    pool, scaled = _pooled(survey, palettes)
    if named is None and asked.instances_as is None:
        pool = stray_values.leave_out(pool, findings)
    moved = _moved(asked, named, pool)
    decided = _decided(_after(pool, moved), named, asked, moved)
    decided.tell(findings)
    if palettes != "gray" and decided.threshold is None and not moved:
        void_level.check(_after(pool, moved), decided.meaning, findings)
    colours, order = _coloured(survey, named, palettes, decided)
    voids = _ignored(_voids(order, asked), survey, decided, colours, findings)
    classes, numbers = _numbered(order, asked, voids, moved, findings)
    meant = {value: moved.get(value, value) for value in range(256)}
    gray = {value: _number(decided.meaning[new], numbers) for value, new in meant.items() if new in decided.meaning}
    key = MaskKey(
        gray=table(gray),
        indices=table(gray) if palettes == "index" else None,
        colours={colour: _number(name, numbers) for colour, name in colours.items()},
        scaled=scaled,
        threshold=decided.threshold,
        gray_palettes=palettes == "gray",
    )
    known = _shown(sorted(decided.meaning))
    return MaskReading(classes, key, known)


def _of_labelmap(asked: ReadingSpec) -> ClassNames | None:
    """What a person says the values and colours are."""
    if asked.labelmap is None:
        return None
    order = list(dict.fromkeys(entry.name for entry in asked.labelmap))
    numbers = {entry.value: order.index(entry.name) for entry in asked.labelmap if entry.value is not None}
    colours = {entry.colour: order.index(entry.name) for entry in asked.labelmap if entry.colour is not None}
    return ClassNames("the labelmap", order, colours or None, numbers or None)


def _pooled(survey: Survey, palettes: Palettes) -> tuple[Pool, frozenset[int]]:
    """All gray values together; and the depths below 8 bits whose values are spread as those of 8 bits are."""
    pixels, sets = survey.gray.copy(), Counter(survey.gray_sets)
    wide = set(np.flatnonzero(survey.gray).tolist())
    scaled = set()
    for depth, found in survey.low.items():
        step = 255 // (2**depth - 1)
        stored = set(np.flatnonzero(survey.low_pixels[depth]).tolist())
        if wide and {value * step for value in stored} <= wide and not stored <= wide:
            scaled.add(depth)
        factor = step if depth in scaled else 1
        for value in stored:
            pixels[value * factor] += survey.low_pixels[depth][value]
        for values, count in found.items():
            sets[frozenset(value * factor for value in values)] += count
    if palettes in {"index", "gray"}:
        for index, colours in survey.palette.items():
            for colour, count in colours.items():
                pixels[index if palettes == "index" else colour[0]] += count
        if palettes == "index":
            sets += survey.palette_sets
    return Pool(pixels, sets, survey.crowded, survey.lossy > 0), frozenset(scaled)


def _moved(asked: ReadingSpec, named: ClassNames | None, pool: Pool) -> dict[int, int]:
    """`map` of values to values, `255=1`. Raises Refused for a value that no mask holds."""
    titles = set(named.names) if named else set()
    moved = {}
    for old, new in asked.map.items():
        if old in titles or not old.isdecimal() or not new.isdecimal():
            continue
        if int(old) not in pool.values or int(new) > IGNORE:
            message = f"`map` names the value {old}; the masks hold {sorted(pool.values)[:12]}."
            raise Refused("option_without_effect", message, "Correct `map`.")
        moved[int(old)] = int(new)
    return moved


def _after(pool: Pool, moved: dict[int, int]) -> Pool:
    pixels = np.zeros(256, np.int64)
    for value in pool.values:
        pixels[moved.get(value, value)] += pool.pixels[value]
    sets: Counter[frozenset[int]] = Counter()
    for values, count in pool.sets.items():
        sets[frozenset(moved.get(value, value) for value in values)] += count
    return Pool(pixels, sets, pool.crowded, pool.lossy)


def _decided(pool: Pool, named: ClassNames | None, asked: ReadingSpec, moved: dict[int, int]) -> Decided:
    if not pool.values:
        return Decided({}, [])
    if moved and named is None:
        known = sorted(pool.values - {IGNORE})
        labels = [BACKGROUND if value == 0 else f"class_{value}" for value in known]
        return Decided(dict(zip(known, labels, strict=True)), labels)
    if asked.labelmap is not None and named is not None and named.numbers:
        meaning: Meaning = {value: named.names[place] for value, place in named.numbers.items()}
        return Decided(meaning, named.names)
    return decide_values(pool, named, asked)


def _coloured(
    survey: Survey, named: ClassNames | None, palettes: Palettes, decided: Decided
) -> tuple[dict[Colour, str | None], list[str]]:
    """Colour -> class, and all classes of the set in their order."""
    order = list(dict.fromkeys(decided.order))
    if named is not None and named.colours:
        order = list(dict.fromkeys([*named.names, *order]))
        return {colour: named.names[place] for colour, place in named.colours.items()}, order
    if palettes == "index_of_voc":
        return _of_voc(survey, named, order)
    if survey.colour_files and (colour := mask_colours.two_colours(survey)) is not None:
        white = named.names[-1] if named and len(named.names) <= 2 else _FOREGROUND
        black = named.names[0] if named and len(named.names) == 2 else BACKGROUND
        return {(0, 0, 0): black, colour: white}, list(dict.fromkeys([*order, black, white]))
    return {}, order


def _of_voc(survey: Survey, named: ClassNames | None, order: list[str]) -> tuple[dict[Colour, str | None], list[str]]:
    shown = {colour for colours in survey.palette.values() for colour in colours}
    known = mask_colours.voc_colours()
    numbers = sorted({known[colour] for colour in shown if colour in known})
    titles = {number: (named.name(number) if named else None) or f"class_{number}" for number in numbers}
    every = list(dict.fromkeys([*(named.names if named else []), *titles.values(), *order]))
    return {colour: titles[known[colour]] for colour in shown if colour in known}, every


def _voids(order: list[str], asked: ReadingSpec) -> set[str]:
    """Classes that are called void: their pixels are nobody's, unless a person maps the name to another."""
    found = {
        name for name in order if name.casefold().strip() in _VOID and name not in asked.map and name not in asked.drop
    }
    return found if len(order) - len(found) >= 2 else set()


def _ignored(
    voids: set[str], survey: Survey, decided: Decided, colours: dict[Colour, str | None], findings: Findings
) -> set[str]:
    """Those that are ignored: not what most pixels show, which is a background by another name. Says which."""
    if not voids:
        return voids
    values = [value for value, name in decided.meaning.items() if name in voids]
    pixels = int(survey.gray[values].sum()) + sum(survey.colours[c] for c, name in colours.items() if name in voids)
    share = pixels / max(int(survey.gray.sum()) + sum(survey.colours.values()), 1)
    called = ", ".join(map(repr, sorted(voids)))
    if share > _MOSTLY:
        message = (
            f"The class {called} covers {share:.1%} of the pixels, so it was read as a class. Its name could also "
        )
        message += "mean pixels to ignore."
        fix = f"To ignore it, pass `--drop {min(voids)}`."
        findings.add("warning", "class_not_ignored", message, fix=fix)
        return set()
    message = f"The class {called} was read as pixels to ignore, by its name "
    message += f"({share:.1%} of the pixels): these are neither learned from nor judged."
    fix = f"To learn it as a class, rename it: --map {min(voids)}=other."
    findings.add("warning", "class_ignored", message, fix=fix)
    return voids


def _numbered(
    order: list[str], asked: ReadingSpec, voids: set[str], moved: dict[int, int], findings: Findings
) -> tuple[list[str], dict[str, int]]:
    """The classes of the pack, and the number of each name of the set."""
    names = {old: new for old, new in asked.map.items() if not (old.isdecimal() and int(old) in moved)}
    renamed = asked.model_copy(update={"map": names})
    check_options(order, renamed)
    tell_options(asked, findings)
    wanted = {name: names.get(name, name) for name in order if name not in voids}
    kept = [name for name in dict.fromkeys(wanted.values()) if name not in asked.drop]
    if len(kept) > IGNORE:
        raise Refused("too_many_classes", f"The masks have more than {IGNORE} classes.", "A mask holds no more.")
    places = {name: at for at, name in enumerate(kept)}
    return kept, {name: places.get(new, IGNORE) for name, new in wanted.items()}


def _number(name: str | None, numbers: dict[str, int]) -> int:
    return IGNORE if name is None else numbers.get(name, IGNORE)


def _shown(values: list[int]) -> str:
    if values and values == list(range(values[-1] + 1)):
        return f"0..{values[-1]}"
    return ", ".join(map(str, values[:12]))
