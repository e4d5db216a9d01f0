"""Names for classes that are only numbered: `cat_to_name.json`, `classes.txt`, a table of numbers and names."""

import json
import re
from typing import NamedTuple

from ingest import names
from ingest.findings import Findings
from ingest.layouts.folders import Labelled
from ingest.layouts.sheets import Sheet, lines_of

_STEMS = frozenset({"classes", "class_names", "classnames", "labels", "label_names", "names", "categories"})
_LONGEST = 1 << 20
_MOST = 10_000


class Words(NamedTuple):
    """`listed`: the names had no numbers, and count from 0 or from 1."""

    path: str
    names: dict[str, str]
    listed: bool = False


def of_json(path: str, text: str) -> Words | None:
    """An object of number -> name or of name -> number; None for anything else."""
    if len(text) > _LONGEST:
        return None
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(stated, dict) or not stated:
        return None
    if all(type(value) is int for value in stated.values()):
        stated = {str(value): name for name, value in stated.items()}
    found = {str(key): names.class_name(value) for key, value in stated.items() if isinstance(value, str)}
    return _checked(path, found, len(stated))


def of_lines(path: str, text: str) -> Words | None:
    """A name a line, in a file called after that; None for anything else."""
    if names.stem(path).lower() not in _STEMS or len(text) > _LONGEST:
        return None
    lines = [name for line in lines_of(text) if (name := names.class_name(line))]
    if not lines or len(lines) > _MOST:
        return None
    numbered = [re.fullmatch(r"(\d{1,5})[\s:,;=]+(\S.*)", line) for line in lines]
    if all(numbered):
        return _checked(path, {match[1]: match[2] for match in numbered if match}, len(lines))
    found: dict[str, str | None] = {str(at): name for at, name in enumerate(lines)}
    words = _checked(path, found, len(lines))
    return words and words._replace(listed=True)


def of_sheet(sheet: Sheet) -> Words | None:
    """A table of two columns, one of numbers and one of words."""
    if len(sheet.header) != 2:
        return None
    rows = [row for row in sheet.probed if len(row) == 2]
    number = next((at for at in (0, 1) if all(row[at].strip().isdigit() for row in rows[1:])), None)
    if number is None or len(rows) < 3 or rows[1][1 - number].strip().isdigit():
        return None
    found: dict[str, str | None] = {}
    for row in sheet.rows(0 if rows[0][number].strip().isdigit() else 1):
        if len(row) != 2 or len(found) > _MOST:
            return None
        found[row[number].strip()] = names.class_name(row[1 - number])
    return _checked(sheet.path, found, len(found))


def put(labelled: dict[int, Labelled], known: list[Words], findings: Findings) -> dict[int, Labelled]:
    """The images with names for their numbers, where one file has a name for every number."""
    numbers = {entry.label for entry in labelled.values()}
    if not numbers or not all(number.isdigit() for number in numbers):
        return labelled
    for words in known:
        fitting = _fitting(words, numbers)
        if fitting:
            some = ", ".join(f"{number} is {fitting[number]!r}" for number in sorted(numbers, key=int)[:3])
            message = f"Its names were taken for the numbers of the classes: {some}."
            findings.add("info", "classes_named", message, path=words.path)
            return {at: entry._replace(label=fitting[entry.label]) for at, entry in labelled.items()}
    for words in known[:1]:
        message = f"It has {len(words.names)} names, but there are {len(numbers)} numbers of the classes."
        findings.add("warning", "classes_unnamed", message, path=words.path, fix="Write one name for each number.")
    return labelled


def _fitting(words: Words, numbers: set[str]) -> dict[str, str] | None:
    bare = {number: str(int(number)) for number in numbers}
    if words.listed and "0" not in bare.values() and len(words.names) == max(map(int, numbers)):
        bare = {number: str(int(number) - 1) for number in numbers}
    elif words.listed and len(words.names) != max(map(int, numbers)) + 1:
        return None
    stated = {} if words.listed else words.names  # `007` of a file that numbers its names is looked for as it stands
    found = {number: stated.get(number, words.names.get(bare[number])) for number in numbers}
    return {number: name for number, name in found.items() if name} if all(found.values()) else None


def _checked(path: str, found: dict[str, str | None], lines: int) -> Words | None:
    sound = {key: name for key, name in found.items() if key.isdigit() and name and not name.isdigit()}
    if not sound or len(sound) < lines or len(set(sound.values())) < len(sound):
        return None
    return Words(path, sound)
