"""Cells that list several classes, `cat,dog` beside `cat` and `dog`, which are no class of their own."""

import re
from collections import Counter
from collections.abc import Iterable

_MARKS = ("|", ";", ",")
_MOST = 0.5  # of the cells with such a mark
_SURE = {"|", ";"}


def parts_of(labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By label, the classes that it lists; empty where no label is a list.

    A comma may belong to a name (`goldfish, Carassius auratus`): it separates classes where most of what it cuts off
    stands alone as well.
    """
    known = set(labels)
    if brackets := _bracketed(known):
        return brackets
    for mark in _MARKS:
        found = {label: parts for label in known if len(parts := _cut(label, mark)) > 1}
        if found and _are_lists(found, known, mark):
            return found
    return {}


def _cut(label: str, mark: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in label.split(mark) if part.strip()))


def _are_lists(found: dict[str, tuple[str, ...]], known: set[str], mark: str) -> bool:
    times = Counter(part for label in known for part in _cut(label, mark))
    alone = sum(any(part in known for part in parts) for parts in found.values())
    if mark in _SURE:
        return alone > 0 or any(count > 1 for count in times.values())
    return alone >= _MOST * len(found)


def spaced(labels: Iterable[str]) -> str:
    """A label of words that recur, alone and with others, as tags do; empty where there is none. Only a suspicion."""
    known = set(labels)
    found = {label: parts for label in known if len(parts := _cut(label, " ")) > 1}
    times = Counter(part for label in known for part in _cut(label, " "))
    words = {part for parts in found.values() for part in parts}
    recurring = sum(times[word] > 1 for word in words)
    alone = sum(any(part in known for part in parts) for parts in found.values())
    tags = len(found) > 1 and recurring >= _MOST * len(words) and alone >= _MOST * len(found)
    return min(found) if tags else ""


def _bracketed(known: set[str]) -> dict[str, tuple[str, ...]]:
    """`['cat', 'dog']`, as lists of Python are written into tables."""
    if not known or not all(re.fullmatch(r"\[.*\]", label) for label in known):
        return {}
    return {label: tuple(re.findall(r"[^\s'\",\[\]][^'\",\[\]]*", label)) for label in known}
