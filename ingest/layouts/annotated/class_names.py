"""The names of classes that annotations call by number: a text file of lines, a labelmap, JSON, or YOLO's data.yaml."""

import json
import re
from typing import NamedTuple

import yaml

from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.limits import Limits

_STEMS = {
    "classes", "class_names", "classnames", "labels", "label_names", "labelmap", "label_map", "names", "obj",
    "predefined_classes", "categories",
}  # fmt: skip
_TEXT = {"txt", "names"}
_YAML = {"yaml", "yml"}
_NUMBERED = re.compile(r"(\d{1,5})\s*[\s:,;=]\s*(\S.*)")
_COLOURED = re.compile(r"([^:]+):(\d{1,3}),(\d{1,3}),(\d{1,3})(?::.*)?")  # CVAT: name:red,green,blue:parts:actions
_LONGEST_YAML = 1 << 18  # its reader takes 20 seconds a MiB; the one in C has no guard against deep nesting
_FIX = "Write classes.txt: one name a line, the first for class 0."


class ClassNames(NamedTuple):
    path: str
    names: list[str]
    colours: dict[tuple[int, int, int], int] | None = None


def read_class_names(archive: Archive, others: list[Member], limits: Limits, findings: Findings) -> ClassNames | None:
    """The names nearest to the archive's root; None where none are given. Raises Refused for those that are unsound."""
    files = {member.position: member.path for member in others if _may_name(member.path)}
    if not files:
        return None
    found = []
    for position, content in archive.read(files, limit=limits.annotation_bytes):
        named = _parsed(files[position], content)
        if named is not None:
            found.append(named)
    if not found:
        return None
    found.sort(key=lambda named: (named.path.count("/"), named.path))
    chosen = found[0]
    if any(other.names != chosen.names for other in found[1:]):
        message = f"other files name other classes; those of {chosen.path} count"
        findings.add("warning", "class_names_differ", message, path=found[1].path, fix="Keep one list of names.")
    if len(chosen.names) > limits.classes:
        raise Refused("too_many_classes", f"{chosen.path} names more than {limits.classes:,} classes", _FIX)
    if len(set(chosen.names)) < len(chosen.names):
        twice = next(name for at, name in enumerate(chosen.names) if name in chosen.names[:at])
        raise Refused("class_named_twice", f"{chosen.path} names the class {twice!r} twice", "Name each class once.")
    return chosen


def _may_name(path: str) -> bool:
    stem, suffix = names.stem(path).lower(), names.suffix(path)
    return (stem in _STEMS and suffix in _TEXT | {"json"}) or suffix in _YAML | {"names"}


def _parsed(path: str, content: bytes) -> ClassNames | None:
    """None for a file that names no classes."""
    suffix = names.suffix(path)
    try:
        text = content.decode("utf-8-sig")
        if suffix in _TEXT:
            return _of_lines(path, [line.strip() for line in text.splitlines() if line.strip()])
        if suffix in _YAML and len(text) > _LONGEST_YAML:
            return None
        stated = yaml.safe_load(text) if suffix in _YAML else json.loads(text)
    except (ValueError, RecursionError, yaml.YAMLError):
        return None
    if isinstance(stated, dict) and "names" in stated:
        stated = stated["names"]
    listed = _of_structure(stated)
    return ClassNames(path, listed) if listed else None


def _of_lines(path: str, lines: list[str]) -> ClassNames | None:
    lines = [line for line in lines if not line.startswith("#")]
    coloured = [_COLOURED.fullmatch(line) for line in lines]
    if lines and all(coloured):
        colours = {(int(m[2]), int(m[3]), int(m[4])): at for at, m in enumerate(coloured) if m}
        return ClassNames(path, [_name(m[1]) for m in coloured if m], colours)
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if lines and all(numbered):
        pairs = {int(m[1]): m[2] for m in numbered if m}
        listed = _in_order(pairs)
        return ClassNames(path, listed) if listed else None
    return ClassNames(path, [_name(line) for line in lines]) if lines else None


def _of_structure(stated: object) -> list[str] | None:
    if isinstance(stated, list) and all(isinstance(name, str | int) for name in stated):
        return [_name(name) for name in stated]
    if not isinstance(stated, dict) or not stated:
        return None
    pairs = list(stated.items())
    if all(type(value) is int for _, value in pairs):
        pairs = [(value, key) for key, value in pairs]
    numbers = {int(key): value for key, value in pairs if re.fullmatch(r"\d{1,5}", str(key))}
    sound = len(numbers) == len(stated) and all(isinstance(name, str | int) for name in numbers.values())
    return _in_order(numbers) if sound else None


def _in_order(numbers: dict[int, object]) -> list[str] | None:
    """Names for 0 up to the last; None where the numbers begin elsewhere or leave gaps."""
    return [_name(numbers[at]) for at in range(len(numbers))] if set(numbers) == set(range(len(numbers))) else None


def _name(value: object) -> str:
    return names.class_name(value) or "unnamed"
