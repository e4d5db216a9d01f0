"""Finds a picture by what a table or an annotation calls it.

The exact path beats the longest common end of the two paths, which beats the base name. Folders that contradict each
other are never overlooked: `cam1/7.png` is not `cam2/7.png`. Where several pictures fit equally well, none is taken.
"""

import posixpath
import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Member

How = Literal["path", "name", "other_case", "other_suffix", "other_folder"]
IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "pngimages"})
_DRIVE = re.compile(r"^(file:)?/*[A-Za-z]:/|^(file:/+|//)", re.IGNORECASE)
_MANY = 64


class Match(NamedTuple):
    """What a name leads to. `rivals`: pictures of that base name, where none of them can be taken."""

    member: Member | None
    how: How = "path"
    rivals: tuple[str, ...] = ()


class _Name(NamedTuple):
    parts: tuple[str, ...]
    absolute: bool  # on some other machine


class Finder:
    def __init__(self, images: list[Member]) -> None:
        self._by_path = {member.path: member for member in images}
        self._by_last: dict[str, list[Member]] = {}
        self._by_folded: dict[str, list[Member]] = {}
        self._by_stem: dict[str, list[Member]] = {}
        self._folders: set[str] = set()
        self._near: dict[str, dict[str, list[Member]]] = {}
        for member in images:
            last = member.path.rsplit("/", 1)[-1]
            self._by_last.setdefault(last, []).append(member)
            self._by_folded.setdefault(last.casefold(), []).append(member)
            self._by_stem.setdefault(names.stem(last), []).append(member)
            folder = member.path.rpartition("/")[0]
            while folder and folder not in self._folders:
                self._folders.add(folder)
                folder = folder.rpartition("/")[0]

    def find(self, name: str, folder: str, split: Split | None = None) -> Member | None:
        """`folder`: of the file that names the image. `split`: which of several equal names is meant."""
        return self.look(name, folder, split).member

    def look(self, name: str, folder: str, split: Split | None = None) -> Match:
        """The picture, and how it was found; or the pictures that it might be."""
        match = self._look(_parsed(name), folder, split)
        if match.member is None and "%" in name:
            spelt = self._look(_parsed(unquote(name)), folder, split)
            return spelt if spelt.member else match
        return match

    def _look(self, name: _Name, folder: str, split: Split | None) -> Match:
        path = "/".join(name.parts)
        beside = posixpath.normpath(f"{folder}/{path}") if folder else path
        found = None if name.absolute else self._by_path.get(beside)
        if found is None and (len(name.parts) > 1 or not folder):
            found = self._by_path.get(path)
        if found or not name.parts:
            return Match(found)
        rivals: list[Member] = []
        for how, candidates in self._tiers(name.parts[-1]):
            fitting = self._fitting(name, candidates, folder, split)
            if len(fitting) == 1:
                return Match(fitting[0], how if _confirmed(name, fitting[0].path) else "other_folder")
            rivals = fitting or rivals or candidates
            if fitting:
                break
        return Match(None, rivals=tuple(member.path for member in rivals[:3]))

    def _tiers(self, last: str) -> list[tuple[How, list[Member]]]:
        """Pictures of that base name, the better kinds of likeness first."""
        bare = names.stem(last) if names.is_image(last) else last
        found: list[tuple[How, list[Member]]] = [
            ("name", self._by_last.get(last, []) or (self._by_stem.get(last, []) if bare == last else [])),
            ("other_case", self._by_folded.get(last.casefold(), [])),
            ("other_suffix", self._by_stem.get(bare, []) if bare != last else []),
        ]
        return [(how, candidates) for how, candidates in found if candidates]

    def _fitting(self, name: _Name, candidates: list[Member], folder: str, split: Split | None) -> list[Member]:
        """The candidates that nothing speaks against, and of these the likeliest: one, or several that are equal."""
        stated = _bare(name.parts)
        if len(candidates) > _MANY and len(stated) > 1:
            candidates = self._nearby(candidates, stated)
        likeness = [(_aligned(stated, _bare(tuple(member.path.split("/")))), member) for member in candidates]
        best = max((shared for shared, _ in likeness), default=0)
        fitting = [member for shared, member in likeness if shared == best]
        if not best:
            return fitting if name.absolute and len(fitting) == 1 else []
        if len(stated) == 1:
            fitting = self._in_scope(fitting, folder)
        if split is not None:
            split_of = {member: names.split_in(member.path) for member in fitting}
            same = [member for member in fitting if split_of[member] == split]
            fitting = same or [member for member in fitting if split_of[member] is None or best > 1]
        if len(fitting) > 1:
            common = [_common_start(folder, member.path) for member in fitting]
            fitting = [member for at, member in zip(common, fitting, strict=True) if at == max(common)]
        return fitting

    def _nearby(self, candidates: list[Member], stated: tuple[str, ...]) -> list[Member]:
        """Of very many pictures of one base name those in a folder of the stated name."""
        last = candidates[0].path.rsplit("/", 1)[-1]
        if last not in self._near:
            self._near[last] = {}
            for member in candidates:
                bare = _bare(tuple(member.path.split("/")))
                self._near[last].setdefault("/".join(bare[-2:-1]), []).append(member)
        return self._near[last].get(stated[-2], []) + self._near[last].get("", [])

    def _in_scope(self, members: list[Member], folder: str) -> list[Member]:
        """A bare name means a picture below the nearest folder around the annotation that has pictures at all."""
        while folder and folder not in self._folders:
            folder = folder.rpartition("/")[0]
        return [member for member in members if not folder or member.path.startswith(f"{folder}/")]


def _parsed(name: str) -> _Name:
    path = names.decode(name.strip().encode("utf-8", "replace"))[0]
    bare = _DRIVE.sub("/", path)
    parts: list[str] = []
    for part in bare.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    # `../images/7.png` from a folder that is not in the archive: what it climbs out of says nothing.
    return _Name(tuple(part for part in parts if part != ".."), bare.startswith("/"))


def _confirmed(name: _Name, path: str) -> bool:
    """Whether the folders that a name states, if any, are those of the picture."""
    found = tuple(path.split("/"))
    shared = _aligned(_bare(name.parts), _bare(found))
    beyond_ours = name.absolute and _aligned(name.parts, found) == len(found) > 1
    return len(_bare(name.parts)) == 1 or shared > 1 or beyond_ours


def _bare(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Without folders that only say that pictures are in them: `images/train/7.png` is `train/images/7.png`."""
    return (*(part for part in parts[:-1] if part.casefold() not in IMAGE_FOLDERS), parts[-1])


def _aligned(stated: tuple[str, ...], found: tuple[str, ...]) -> int:
    """How many parts of two paths agree from the end, where one of the paths is wholly the end of the other; else 0."""
    shared = 1  # the base name, by whatever likeness it was found
    for one, other in zip(reversed(stated[:-1]), reversed(found[:-1]), strict=False):
        if one.casefold() != other.casefold():
            break
        shared += 1
    return shared if shared == min(len(stated), len(found)) else 0


def _common_start(folder: str, path: str) -> int:
    """How many folders from the root two paths share."""
    shared = 0
    for one, other in zip(folder.split("/"), path.split("/")[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return shared
