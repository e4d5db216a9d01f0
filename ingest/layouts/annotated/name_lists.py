"""Files that name classes: lines of names, numbered or with colours, tables of colours, JSON, or YOLO's data.yaml."""

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from ingest import names

Colour = tuple[int, int, int]
TEXT = {"txt", "names", "labels"}
YAML = {"yaml", "yml"}
JSON = {"json"}
CSV = {"csv"}
_KEYS = ("names", "classes", "labels", "categories", "class_names")
_SEPARATED = re.compile(r"(\d{1,5})\s*(?:[:,;=]|\t)\s*(\S.*)")
_SPACED = re.compile(r"(\d{1,5})\s+(\S.*)")
_COLOURED = re.compile(r"([^:]+):\s*(\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})(?::.*)?")  # CVAT: name:red,green,blue:parts:
_COLOUR_FIRST = re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\D.*)")  # CamVid: red green blue name
_LONGEST_YAML = 1 << 18  # its reader takes 20 seconds a MiB; the one in C has no guard against deep nesting
_NOT_LABELS = {"__ignore__"}  # labelme's first line, which stands for -1


class ClassNames(NamedTuple):
    path: str
    names: list[str]
    colours: dict[Colour, int] | None = None  # colour -> place among the names
    numbers: dict[int, int] | None = None  # number -> place, where they are not 0, 1, 2 and so on
    stated: Mapping[str, Any] = {}  # all that data.yaml says
    doubt: str | None = None  # how the file might have been meant otherwise

    def name(self, number: int) -> str | None:
        """What the annotations' number stands for; None where it is not named."""
        place = number if self.numbers is None else self.numbers.get(number, -1)
        return self.names[place] if 0 <= place < len(self.names) else None

    def shown_numbers(self) -> str:
        if self.numbers is None:
            return f"0..{len(self.names) - 1}"
        return ", ".join(str(number) for number in sorted(self.numbers)[:12])


def parse_names(path: str, content: bytes) -> ClassNames | None:
    """None for a file that names no classes."""
    suffix = names.suffix(path)
    try:
        text = _text(content)
        if suffix in TEXT:
            return _of_lines(path, [line.strip() for line in text.splitlines() if line.strip()])
        if suffix in CSV:
            return _of_table(path, text)
        if suffix in YAML and len(text) > _LONGEST_YAML:
            return None
        # Every scalar stays the text it is written as: `no` and `on` are names, not false and true.
        stated = yaml.load(text, yaml.BaseLoader) if suffix in YAML else json.loads(text)  # noqa: S506 - it makes text only
    except (ValueError, RecursionError, yaml.YAMLError):
        return None
    whole = stated if isinstance(stated, dict) else {}
    if "annotations" in whole or "images" in whole:
        return None  # a set of annotations of its own
    listed = next((whole[key] for key in _KEYS if key in whole), stated)
    found = _of_structure(path, listed)
    return found._replace(stated=whole) if found else None


def _text(content: bytes) -> str:
    """As UTF-8, UTF-16 with its mark, or what other bytes probably are."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16")
    if names.is_text(content, "utf-8"):
        return content.decode("utf-8-sig")
    return content.decode(names.guess_encoding(content)[0])


def _of_lines(path: str, lines: list[str]) -> ClassNames | None:
    lines = [line for line in lines if not line.startswith("#")]
    if not lines:
        return None
    if all(found := [_COLOURED.fullmatch(line) for line in lines]):
        return _coloured(path, [(m[1], (int(m[2]), int(m[3]), int(m[4]))) for m in found if m])
    if all(found := [_COLOUR_FIRST.fullmatch(line) for line in lines]):
        return _coloured(path, [(m[4], (int(m[1]), int(m[2]), int(m[3]))) for m in found if m])
    if all(found := [_SEPARATED.fullmatch(line) for line in lines]):
        return _numbered(path, [(int(m[1]), m[2]) for m in found if m])
    if all(found := [_SPACED.fullmatch(line) for line in lines]):
        pairs = [(int(m[1]), m[2]) for m in found if m]
        if _counts_up(pairs):
            example = f"{lines[0]!r} was read as {pairs[0][1]!r} of the number {pairs[0][0]}, not as a whole name"
            numbered = _numbered(path, pairs)
            return numbered._replace(doubt=example) if numbered else None
    return ClassNames(path, [_name(line) for line in lines if line not in _NOT_LABELS])


def _counts_up(pairs: list[tuple[int, str]]) -> bool:
    """Whether numbers before names only count the lines; `1 euro, 2 euro, 50 cent` does not."""
    numbers = [number for number, _ in pairs]
    distinct = len({name for _, name in pairs}) == len(pairs)
    return distinct and len(pairs) > 1 and numbers in (list(range(len(pairs))), list(range(1, len(pairs) + 1)))


def _of_table(path: str, text: str) -> ClassNames | None:
    """A table of colours: name,r,g,b, whatever the order of its columns."""
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or len(rows) > 10_000:
        return None
    if (numbered := _of_values(path, rows)) is not None:
        return numbered
    by_start = {str(key).strip().lower()[:1]: key for key in rows[0] if key}
    title = next((key for key in rows[0] if str(key).strip().lower() in {"name", "class", "label"}), None)
    if title is None or not {"r", "g", "b"} <= by_start.keys():
        return None
    try:
        return _coloured(path, [(row[title], tuple(int(row[by_start[c]]) for c in "rgb")) for row in rows])  # type: ignore[misc]
    except (TypeError, ValueError):
        return None


def _of_values(path: str, rows: list[dict[str, Any]]) -> ClassNames | None:
    """A table of values, as Roboflow writes it: Pixel Value, Class."""
    columns = {str(key).strip().casefold(): key for key in rows[0]}
    value = next((columns[key] for key in ("pixel value", "value", "id", "index") if key in columns), None)
    title = next((columns[key] for key in ("class", "name", "label") if key in columns), None)
    if value is None or title is None or not all(str(row[value]).strip().isdecimal() for row in rows):
        return None
    return _numbered(path, [(int(row[value]), str(row[title]).strip()) for row in rows])


def _coloured(path: str, pairs: list[tuple[str, Colour]]) -> ClassNames:
    colours = {colour: at for at, (_, colour) in enumerate(pairs)}
    return ClassNames(path, [_name(name) for name, _ in pairs], colours)


def _of_structure(path: str, stated: object) -> ClassNames | None:
    if isinstance(stated, list) and stated:
        return _of_list(path, stated)
    if not isinstance(stated, dict) or not stated:
        return None
    pairs = list(stated.items())
    if all(type(value) is int for _, value in pairs):
        pairs = [(value, key) for key, value in pairs]
    numbers = [(int(key), value) for key, value in pairs if re.fullmatch(r"\d{1,5}", str(key))]
    sound = len(numbers) == len(stated) and all(isinstance(name, str | int) for _, name in numbers)
    return _numbered(path, numbers) if sound else None


def _of_list(path: str, stated: list[Any]) -> ClassNames | None:
    if all(isinstance(name, str | int) for name in stated):
        return ClassNames(path, [_name(name) for name in stated if name not in _NOT_LABELS])
    if not all(isinstance(entry, dict) and isinstance(entry.get("name"), str | int) for entry in stated):
        return None
    colours = [_colour(entry.get("color", entry.get("colour"))) for entry in stated]
    if all(colours):
        return _coloured(path, [(str(e["name"]), c) for e, c in zip(stated, colours, strict=True) if c])
    numbers = [entry.get("id") for entry in stated]
    if all(type(number) is int and number >= 0 for number in numbers):
        return _numbered(path, [(entry["id"], entry["name"]) for entry in stated])
    return ClassNames(path, [_name(entry["name"]) for entry in stated])


def _colour(stated: object) -> Colour | None:
    if isinstance(stated, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", stated):
        return int(stated[1:3], 16), int(stated[3:5], 16), int(stated[5:7], 16)
    if isinstance(stated, list) and len(stated) == 3 and all(type(v) is int and 0 <= v < 256 for v in stated):
        return stated[0], stated[1], stated[2]
    return None


def _numbered(path: str, pairs: list[tuple[int, Any]]) -> ClassNames | None:
    """Names by number, in the order of the numbers; gaps stay gaps. None where a number stands twice."""
    by_number = dict(sorted(pairs))
    if len(by_number) < len(pairs):
        return None
    places = {number: at for at, number in enumerate(by_number)}
    regular = list(by_number) == list(range(len(by_number)))
    return ClassNames(path, [_name(name) for name in by_number.values()], numbers=None if regular else places)


def _name(value: object) -> str:
    return names.class_name(value) or "unnamed"
