"""`--map`, `--classes-at` and the like: what was typed, as the `reading` of a dataset."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput

_COLOURED = re.compile(r"(?P<name>[^:]+?)\s*[:,;\t]\s*(\d{1,3})\s*[,;\t ]\s*(\d{1,3})\s*[,;\t ]\s*(\d{1,3})(?::.*)?")
_NUMBERED = re.compile(r"(?P<value>\d{1,3})\s*[\s:,;=]\s*(?P<name>\S.*)")
_OPTIONS = ("classes_at", "ignore", "labels_from", "map", "drop", "labelmap", "masks", "unlabelled", "instances_as")
_FIELD = re.compile(rf"`(?:reading\.)?(?P<name>{'|'.join(_OPTIONS)})`")
_LABELMAP = (
    "Write one class per line, `crack:255,0,0` for the colour or `1 crack` for the value, or a JSON list of "
    '{"name": "crack", "colour": [255, 0, 0]}.'
)


def options(
    *,
    classes_at: str | None,
    ignore: Sequence[str],
    labels_from: str | None,
    maps: Sequence[str],
    drop: Sequence[str],
    labelmap: Path | None,
    **others: str | None,
) -> dict[str, Any]:
    """Only what was given. Raises BadInput. `others` are taken as they are: masks, unlabelled, instances_as."""
    found: dict[str, Any] = {
        "classes_at": int(classes_at) if classes_at and classes_at.isdecimal() else classes_at,
        "ignore": list(ignore),
        "labels_from": labels_from,
        "map": mapping(maps),
        "drop": list(drop),
        "labelmap": entries(labelmap) if labelmap else None,
        **others,
    }
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def as_typed(text: str) -> str:
    """Names of fields, as the service says them, as the options of this command line."""
    return _FIELD.sub(lambda found: f"`--{found['name'].replace('_', '-')}`", text)


def mapping(given: Sequence[str]) -> dict[str, str]:
    """`cat,kitten=cat` and `255=1` as name -> name."""
    found: dict[str, str] = {}
    for each in given:
        before, equals, after = (part.strip() for part in each.rpartition("="))
        if not equals or not before or not after:
            raise BadInput(f'--map {each!r} is not OLD=NEW. Write it like --map kitten=cat or --map "cat,kitten=cat".')
        for name in map(str.strip, before.split(",")):
            if found.get(name, after) != after:
                raise BadInput(f"--map renames {name!r} to {found[name]!r} and to {after!r}. Keep one of them.")
            if name and name != after:
                found[name] = after
    return found


def entries(path: Path) -> list[dict[str, Any]]:
    """The classes of a labelmap file, with their colours or values."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"Cannot read {path}: {why}.") from error
    if text.lstrip().startswith(("[", "{")):
        return _of_json(path, text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise BadInput(f"{path} has no classes. {_LABELMAP}")
    return [_of_line(path, line) for line in lines]


def _of_json(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        stated = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}.") from error
    if isinstance(stated, dict):
        values = {value: name for value, name in stated.items() if str(value).isdecimal()} or {
            value: name for name, value in stated.items()
        }
        stated = [{"name": name, "value": int(value)} for value, name in values.items() if str(value).isdecimal()]
    if not isinstance(stated, list) or not stated:
        raise BadInput(f"{path} has no classes. {_LABELMAP}")
    return stated


def _of_line(path: Path, line: str) -> dict[str, Any]:
    if coloured := _COLOURED.fullmatch(line):
        return {"name": coloured["name"], "colour": [int(coloured[at]) for at in (2, 3, 4)]}
    if numbered := _NUMBERED.fullmatch(line):
        return {"name": numbered["name"].strip(), "value": int(numbered["value"])}
    raise BadInput(f"{path}: {line!r} is not a class with a colour or a value. {_LABELMAP}")
