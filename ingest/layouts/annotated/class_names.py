"""The names of classes that annotations call by number or colour, and which of an archive's lists of names counts."""

from typing import NamedTuple

from contract.pack.manifest import IGNORE
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.name_lists import CSV, JSON, TEXT, YAML, ClassNames, parse_names
from ingest.limits import Limits

_STEMS = {
    "classes", "_classes", "class_names", "classnames", "labels", "label_names", "labelmap", "label_map", "names",
    "obj", "predefined_classes", "categories", "_darknet", "label_colors", "label_colours", "class_dict", "colormap",
    "id2label", "label2id", "id_to_label", "label_to_id", "idx_to_class", "class_to_idx", "class_map", "classes_names",
    "label_mapping", "class_mapping",
}  # fmt: skip
_COLOUR_TABLES = {
    "class_dict",
    "label_colors",
    "label_colours",
    "labelmap",
    "label_map",
    "colormap",
    "classes",
    "_classes",
}
_LEAST_TRUSTED = {"predefined_classes"}  # the list that labelImg brings along
_FIX = "Write classes.txt: one name a line, the first for class 0."


class _Rank(NamedTuple):
    trusted: bool
    depth: int
    path: str


def read_class_names(
    archive: Archive, others: list[Member], images: list[Member], limits: Limits, findings: Findings
) -> ClassNames | None:
    """The names nearest to the archive's root; None where none are given. Raises Refused for those that are unsound."""
    files = {member.position: member.path for member in others if _may_name(member.path)}
    if not files:
        return None
    found = []
    for position, content in archive.read(files, limit=limits.annotation_bytes):
        named = parse_names(files[position], content)
        if named is not None:
            found.append(named)
    if not found:
        return None
    found.sort(key=_rank)
    chosen = next((named for named in reversed(found) if _goes_on(found[0], named)), found[0])
    found.remove(chosen)
    found.insert(0, chosen)
    marked = [m for m in others if m.position not in files and names.suffix(m.path) in {"txt", "xml", "json"}]
    _refuse_two_sets(chosen, found[1:], [*images, *marked])
    _tell_rivals(chosen, found[1:], findings)
    if len(chosen.names) > limits.classes:
        raise Refused("too_many_classes", f"{chosen.path} names more than {limits.classes:,} classes.", _FIX)
    if len(set(chosen.names)) < len(chosen.names):
        twice = next(name for at, name in enumerate(chosen.names) if name in chosen.names[:at])
        raise Refused("class_named_twice", f"{chosen.path} names the class {twice!r} twice.", "Name each class once.")
    return chosen


def _goes_on(named: ClassNames, other: ClassNames) -> bool:
    """Whether another list of as much trust has the same names and then some, as lists that grow with the work do."""
    plain = named.numbers is None and other.numbers is None and named.colours is None and other.colours is None
    same = other.names[: len(named.names)] == named.names
    return plain and same and _rank(named).trusted == _rank(other).trusted and len(other.names) > len(named.names)


def _refuse_two_sets(chosen: ClassNames, others: list[ClassNames], held: list[Member]) -> None:
    """Raises Refused where two folders of pictures or labels have a list each, which call one number by two names."""
    home = _folder(chosen)
    for other in others:
        theirs = _folder(other)
        apart = home and theirs and not home.startswith(theirs) and not theirs.startswith(home)
        number = next((n for n in range(IGNORE) if len({chosen.name(n), other.name(n), None}) > 2), None)
        if not apart or number is None or _rank(other).trusted or chosen.colours or other.colours:
            continue
        if all(any(member.path.startswith(folder) for member in held) for folder in (home, theirs)):
            message = f"The class {number} is {chosen.name(number)!r} in {chosen.path}, and {other.name(number)!r} in "
            message += f"{other.path}; each stands beside pictures or labels of its own."
            fix = f"Push the folders as datasets of their own, one with `--ignore '{theirs}*'`, or number them alike."
            raise Refused("class_names_contradict", message, fix)


def _folder(named: ClassNames) -> str:
    """With a slash at its end; empty at the top."""
    folder = named.path.rpartition("/")[0]
    return f"{folder}/" if folder else ""


def _tell_rivals(chosen: ClassNames, others: list[ClassNames], findings: Findings) -> None:
    if chosen.doubt:
        findings.add("warning", "class_names_read", chosen.doubt, path=chosen.path, fix=_FIX)
    for other in others:
        if other.names == chosen.names or _rank(other).trusted:
            continue
        mine, theirs = (", ".join(named.names[:4]) for named in (chosen, other))
        message = f"{other.path} names other classes ({theirs}) than {chosen.path} ({mine}); the second list was used."
        fix = f"Keep one list of names: to choose the other one, remove {chosen.path}."
        findings.add("warning", "class_names_differ", message, path=other.path, fix=fix)
        return


def _rank(named: ClassNames) -> _Rank:
    return _Rank(names.stem(named.path).lower() in _LEAST_TRUSTED, named.path.count("/"), named.path)


def _may_name(path: str) -> bool:
    stem, suffix = names.stem(path).lower(), names.suffix(path)
    if suffix in YAML | {"names", "labels"}:
        return True
    return (stem in _STEMS and suffix in TEXT | JSON) or (stem in _COLOUR_TABLES and suffix in CSV)
