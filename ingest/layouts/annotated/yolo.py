"""YOLO: a text file for each image, a line `class x y width height` for each box, in shares of the image's sides.

The file stands beside its image, or in labels/ as the image in images/. Longer lines are polygons or boxes with key
points (`odd_lines`). An empty file means that nothing is to be seen. Darknet's own sets are the same with other lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from contract.results.ingested import Layout
from ingest import names
from ingest.annotations.regions import Polygons
from ingest.archives.members import Member
from ingest.findings import Refused
from ingest.layouts.annotated import odd_lines
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.class_names import read_class_names
from ingest.layouts.annotated.data_file import stated_splits
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.name_lists import ClassNames
from ingest.layouts.annotated.odd_lines import OddLines, Values
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.pairing import Pairs, pair
from ingest.notes import Unusable

_FIX = "Write `class x y width height`, the last four in shares of the image (0..1)."
_LARGEST_CLASS = 9_999
_LONGEST_LINE = 20_000  # values


@dataclass
class _Text:
    """One file's lines."""

    path: str
    member: Member
    classes: list[int] = field(default_factory=list)
    lines: Sequence[Values] | Values = ()  # without their class; one array where they are equally long
    fault: Unusable | None = None


def read_yolo(given: Given) -> Annotated | None:
    """What the text files beside the images say; None where there are none."""
    named = read_class_names(given.archive, given.others, given.images, given.limits, given.findings)
    lists = stated_splits(given, named)
    spoken = lists.paths | ({named.path} if named else set())
    texts = [m for m in given.others if names.suffix(m.path) == "txt" and m.path not in spoken]
    pairs = pair(given.images, texts)
    if not pairs.found and not pairs.clashes:
        return None
    read = _read(given, pairs, named)
    odd = [line for text in read for line in _odd(text)]
    meant = odd_lines.judge(odd, named.stated if named else {})
    tally = Tally()
    pages = chain((_page(text, named, meant, given, tally) for text in read), _clashing(pairs))
    stated = Stated(
        _layout(named, given),
        pages,
        named.names if named else _numbered(read),
        keeps_unused=named is not None,
        used={text.path for text in read} | spoken,
        what="text file",
        fix="Add its text file; leave it empty if the image shows no object.",
        tally=tally,
    )
    _tell_corners(read, given)
    _tell(meant, len(odd), sum(len(text.lines) for text in read), named, given)
    return assemble(stated, given, lists)


def _read(given: Given, pairs: Pairs, named: ClassNames | None) -> list[_Text]:
    by_position = {member.position: member for member in given.images}
    owners = {file.position: (by_position[position], file) for position, file in pairs.found.items()}
    found = []
    for position, content in given.archive.read(owners, limit=given.limits.annotation_bytes) if owners else ():
        member, file = owners[position]
        text = _Text(file.path, member)
        try:
            _parse(text, content, named, given.limits.boxes)
        except UnicodeDecodeError:
            text.fault = Unusable("annotation_unreadable", f"Its annotation {file.path!r} is no text.", _FIX)
        except Unusable as unusable:
            text.fault = unusable.bare()
        found.append(text)
    return found


def _parse(text: _Text, content: bytes, named: ClassNames | None, most: int) -> None:
    lines: list[Values] = []
    for number, line in enumerate(content.decode("utf-8-sig").splitlines(), start=1):
        words = line.split(maxsplit=_LONGEST_LINE)
        if not words:
            continue
        if len(lines) >= most:
            raise Unusable("too_many_boxes", f"More than {most:,} boxes.", "Split the image into tiles.")
        where = f"{text.path} line {number}"
        if len(words) < 5 or len(words) == 6 or len(words) > _LONGEST_LINE:
            raise Unusable("box_malformed", f"{where} has {len(words)} values{_guess(line, words)}.", _FIX)
        try:
            label, values = float(words[0]), np.array([float(word) for word in words[1:]], np.float64)
        except ValueError as error:
            shown = names.printable(line.strip())[:60]
            raise Unusable("box_malformed", f"{where} holds values that are not numbers: {shown!r}.", _FIX) from error
        text.classes.append(_class(label, where, words[0], named))
        lines.append(values)
    equal = len({len(line) for line in lines}) == 1
    text.lines = np.stack(lines) if equal else lines


def _guess(line: str, words: list[str]) -> str:
    """What a line of another format may be, as the end of a sentence."""
    if len(words) == 6:
        return "; the sixth may be a confidence, as in predictions, which are no labels"
    if line.count(",") >= 4:
        return ", for they are separated by commas"
    return ""


def _odd(text: _Text) -> list[Values]:
    """Lines that are no plain boxes."""
    plain = isinstance(text.lines, np.ndarray) and text.lines.shape[1] == 4
    return [] if plain else [line for line in text.lines if len(line) != 4]


def _class(label: float, where: str, shown: str, named: ClassNames | None) -> int:
    whole = label.is_integer() and 0 <= label <= _LARGEST_CLASS
    if not whole or (named is not None and named.name(int(label)) is None):
        known = named.shown_numbers() if named else f"0..{_LARGEST_CLASS}"
        message = f"{where} is of the class {shown[:50]}, but the classes are {known}."
        raise Unusable("class_out_of_range", message, "Correct the class, or name every class in data.yaml.")
    return int(label)


def _page(text: _Text, named: ClassNames | None, meant: OddLines, given: Given, tally: Tally) -> Page:
    page = Page(text.path, text.member.path, member=text.member, relative=True, fault=text.fault, kind="middle")
    drawing = Drawing(given.task, tally)
    try:
        for number, values in zip(text.classes, text.lines, strict=True) if page.fault is None else ():
            label = (named.name(number) if named else None) or f"class_{number}"
            if len(values) == 4 or meant.kind == "keypoints":
                _draw_box(label, values, meant, drawing, text.path)
            else:
                drawing.region(label, _polygon(values, text.path))
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _polygon(values: Values, path: str) -> Polygons:
    if len(values) % 2 or len(values) < 6:
        raise Unusable("box_malformed", f"{path} has a line of {len(values) + 1} values.", _FIX)
    return Polygons([values.reshape(-1, 2)])


def _draw_box(label: str, values: Values, meant: OddLines, drawing: Drawing, path: str) -> None:
    if len(values) != 4 and len(values) not in meant.lengths:
        expected = " or ".join(str(length + 1) for length in sorted(meant.lengths))
        message = f"{path} has a line of {len(values) + 1} values; with key points it has {expected}."
        raise Unusable("box_malformed", message, "Correct the line, or `kpt_shape` in data.yaml.")
    middle, half = values[:2], values[2:4] / 2
    (x1, y1), (x2, y2) = middle - half, middle + half
    drawing.box(label, (float(x1), float(y1), float(x2), float(y2)))


def _clashing(pairs: Pairs) -> list[Page]:
    """A page with a fault for each picture of which nobody can say which file it has."""
    pages = []
    for clash in pairs.clashes:
        pictures, files = (" and ".join(repr(m.path) for m in each[:2]) for each in (clash.pictures, clash.files))
        message = f"{files} may belong to {pictures}; these pictures have one name and differ only in their suffix."
        fault = Unusable("image_ambiguous", message, "Rename one, so that each image has one file of its own.")
        pages += [Page(clash.files[0].path, member.path, member=member, fault=fault) for member in clash.pictures]
    return pages


def _numbered(read: list[_Text]) -> list[str]:
    return [f"class_{number}" for number in sorted({number for text in read for number in text.classes})]


def _layout(named: ClassNames | None, given: Given) -> Layout:
    darknet = named is not None and named.path.rsplit("/", 1)[-1] == "_darknet.labels"
    listed = any(names.suffix(member.path) == "data" for member in given.others)
    return "darknet" if darknet or listed else "yolo"


def _tell_corners(read: list[_Text], given: Given) -> None:
    """Say that the boxes could be corners, where each of them could."""
    count = odd_lines.may_be_corners(line for text in read for line in text.lines)
    if count:
        message = f"Each of the {count} boxes could also be x1, y1, x2, y2. They were read as x, y, width and height."
        fix = "Look at them with `patchswap datasets look`. If boxes are misplaced, write x, y, width and height."
        given.findings.add("warning", "boxes_maybe_corners", message, fix=fix)


def _tell(meant: OddLines, odd: int, every: int, named: ClassNames | None, given: Given) -> None:
    findings = given.findings
    if named is None:
        message = "No list of names was found, so the classes are called class_0, class_1 and so on, by their numbers."
        fix = "Add data.yaml with `names`, or classes.txt with one name a line."
        findings.add("warning", "classes_unnamed", message, fix=fix)
    count = named.stated.get("nc") if named else None
    if named is not None and isinstance(count, str) and count.isdecimal() and int(count) != len(named.names):
        message = f"{named.path} states nc: {count}, but names {len(named.names)} classes; the names were used."
        findings.add("warning", "class_count_differs", message, path=named.path, fix="Correct `nc` or `names`.")
    if not odd:
        return
    if meant.kind == "polygon":
        if given.task == "detection":
            message = f"{odd} of {every} lines are polygons (segments); the box around each was taken."
            findings.add(
                "warning", "segments_in_boxes", message, fix="Add `kpt_shape` to data.yaml if they are key points."
            )
        return
    decided = (
        "`kpt_shape` in data.yaml says so" if named and "kpt_shape" in named.stated else "they lie within their box"
    )
    message = f"{odd} of {every} lines hold key points after the box, for {decided}; the box was taken."
    findings.add("warning", "keypoints_left_out", message, fix="Remove `kpt_shape` if the lines are polygons.")
    if given.task == "segmentation":
        raise Refused("no_masks", "The text files hold boxes with key points, no polygons.", "Train for detection.")
