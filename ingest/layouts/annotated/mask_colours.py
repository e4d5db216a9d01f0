"""What the colours of a set's masks stand for, and whether a palette's index or its colour is what counts."""

from collections import Counter
from typing import Literal

from contract.pack.manifest import BACKGROUND
from ingest.annotations.mask_images import Colour
from ingest.annotations.mask_survey import Survey
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.name_lists import ClassNames

Palettes = Literal["none", "colour", "index", "gray", "index_of_voc"]
_OUTLINE = (224, 224, 192)  # Pascal VOC's
_PROPOSED = 24
_MOST_CLASSES = 256
_FEW_FILES = 0.05


def voc_colours() -> dict[Colour, int]:
    """Pascal VOC's colour map: bits of the number, spread over red, green and blue from their highest bit on."""
    found: dict[Colour, int] = {}
    for number in range(255):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= ((number >> (3 * bit + channel)) & 1) << (7 - bit)
        found[(channels[0], channels[1], channels[2])] = number
    return found


def palettes_of(survey: Survey, labelled: dict[Colour, int] | None, num_names: int, findings: Findings) -> Palettes:
    """How to read masks with palettes. Raises Refused where neither index nor colour can be relied on."""
    if not survey.palette_files:
        return "none"
    shown = {colour for colours in survey.palette.values() for colour in colours}
    if labelled and shown & set(labelled):
        if any(len(colours) > 1 or labelled.get(next(iter(colours))) != at for at, colours in survey.palette.items()):
            message = "Masks with palettes were read by their colours, which the labelmap has; their indices differ."
            findings.add("info", "palettes_by_colour", message)
        return "colour"
    if labelled:
        message = "No colour of the masks' palettes is in the labelmap; their indices were read as class numbers."
        findings.add(
            "warning", "palettes_by_index", message, fix="If the colours are the classes, add them to the labelmap."
        )
    gray = all(red == green == blue for red, green, blue in shown)
    return _gray_palettes(survey, num_names, findings) if gray else _coloured_palettes(survey, shown, findings)


def _gray_palettes(survey: Survey, num_names: int, findings: Findings) -> Palettes:
    shown = {index: {colour[0] for colour in colours} for index, colours in survey.palette.items()}
    if all(grays == {index} for index, grays in shown.items()):
        return "index"
    every = set().union(*shown.values())
    steady = all(len(grays) == 1 for grays in shown.values())
    small = every <= set(range(num_names or 64))
    if steady and not small:
        pairs = ", ".join(f"{index} shown as {min(grays)}" for index, grays in sorted(shown.items())[:4])
        message = f"The masks' palettes are gray, and the same in all masks; their indices count: {pairs}."
        fix = "Save the masks as 8-bit gray without a palette if the grays are the class numbers."
        findings.add("warning", "palettes_by_index", message, fix=fix)
        return "index"
    message = (
        "The masks' palettes are gray, and their grays differ from their indices; the gray was read as class number."
    )
    fix = "Save the masks as 8-bit gray without a palette to be sure."
    findings.add("warning", "palettes_by_gray", message, fix=fix)
    return "gray"


def _coloured_palettes(survey: Survey, shown: set[Colour], findings: Findings) -> Palettes:
    if all(len(colours) == 1 for colours in survey.palette.values()) or survey.palette_files == 1:
        return "index"
    if shown - {_OUTLINE} <= set(voc_colours()):
        message = "The masks' palettes have the colours of Pascal VOC: the colours were read, not the indices."
        findings.add("warning", "palettes_by_colour", message, fix="Add labelmap.txt to say what the colours are.")
        return "index_of_voc"
    pixels: Counter[Colour] = Counter()
    for colours in survey.palette.values():
        pixels.update(colours)
    message = "The masks' palettes differ, so an index does not name a class, and no labelmap names the colours."
    raise Refused("mask_in_colours", message, proposal(pixels))


def check_colours(survey: Survey, labelled: dict[Colour, int] | None) -> None:
    """Raises Refused for masks of colours that nothing explains."""
    if not survey.colour_files or labelled or survey.colour_files <= _FEW_FILES * survey.files:
        return  # a few among masks of another kind are refused one by one
    if survey.photographs or len(survey.colours) > _MOST_CLASSES:
        message = f"{survey.colour_files} masks have as many colours as photographs, and no labelmap names them."
        fix = "Save masks as PNG of class numbers. JPEG and smooth scaling blur them."
        raise Refused("mask_in_colours", message, fix)
    if two_colours(survey) is None:
        message = (
            f"{survey.colour_files} masks are in {len(survey.colours)} colours, and no labelmap says what they mean."
        )
        raise Refused("mask_in_colours", message, proposal(survey.colours))


def two_colours(survey: Survey) -> Colour | None:
    """The colour of the object in masks of black and one colour."""
    others = [colour for colour in survey.colours if colour != (0, 0, 0)]
    return others[0] if len(others) == 1 and not survey.photographs else None


def proposal(pixels: Counter[Colour]) -> str:
    """A labelmap to be copied, with the colours that were found, the most frequent first."""
    lines = []
    found = sorted(pixels.items(), key=lambda item: (item[0] != (0, 0, 0), -item[1]))
    for at, ((red, green, blue), _) in enumerate(found[:_PROPOSED]):
        name = BACKGROUND if (red, green, blue) == (0, 0, 0) else f"class_{at}"
        lines.append(f"{name}:{red},{green},{blue}::")
    more = f" ... and {len(found) - _PROPOSED} more" if len(found) > _PROPOSED else ""
    return f"Write labelmap.txt with these lines, and your names in them: {'  '.join(lines)}{more}"


def colours_of(named: ClassNames | None) -> dict[Colour, int] | None:
    return named.colours if named is not None else None
