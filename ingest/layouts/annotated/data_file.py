"""The splits that YOLO's data.yaml or Darknet's obj.data state: lists of images, or folders."""

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Member
from ingest.layouts.annotated.layout import Given
from ingest.layouts.annotated.name_lists import ClassNames
from ingest.layouts.annotated.split_lists import SplitLists, read_lists, read_named_lists
from ingest.layouts.finder import Finder

_LISTS = {"txt", "lst"}
Stated = dict[Split, list[str]]


def stated_splits(given: Given, named: ClassNames | None) -> SplitLists:
    """By position of image. Without data.yaml, files called train.txt, val.txt, test.txt say it."""
    stated, path = _of_darknet(given), ""
    if not stated and named is not None:
        stated, path = _of_mapping(dict(named.stated)), named.path
    files = _list_files(stated, given, path)
    if files:
        return read_lists(given.archive, files, given.images, given.limits)
    lists = _by_folder(stated, path, given)
    return lists if lists.splits else read_named_lists(given.archive, given.others, given.images, given.limits)


def _of_mapping(stated: dict[str, object]) -> Stated:
    found: Stated = {}
    for key, value in stated.items():
        split = names.split_named(key)
        listed = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str) and each]
        if split is not None and listed:
            found.setdefault(split, []).extend(listed)
    return found


def _of_darknet(given: Given) -> Stated:
    """`train = data/train.txt`, a line each."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "data"}
    found: Stated = {}
    for _, content in given.archive.read(files, limit=given.limits.annotation_bytes) if files else ():
        for line in content.decode("utf-8-sig", "replace").splitlines():
            key, equals, value = line.partition("=")
            split = names.split_named(key)
            if equals and split is not None and value.strip():
                found.setdefault(split, []).append(value.strip())
    return found


def _list_files(stated: Stated, given: Given, path: str) -> dict[Member, Split | None]:
    finder = Finder(given.others)
    found: dict[Member, Split | None] = {}
    contested: set[Member] = set()
    for split, values in stated.items():
        for value in values:
            if names.suffix(value) not in _LISTS:
                continue
            member = finder.find(value, path.rpartition("/")[0])
            if member is None:
                shown = names.printable(value)[:200]
                message = f"{path or 'The data file'} names {shown!r} as the list of a split, but it is not there."
                fix = "Add the list, or correct its path."
                given.findings.add("warning", "split_list_missing", message, fix=fix)
            else:
                contested.update({member} if found.get(member, split) != split else ())
                found[member] = split
    if contested:
        listed = min(member.path for member in contested)
        message = f"{path or 'The data file'} names the list {listed!r} for several splits, which says nothing."
        given.findings.add("warning", "split_contested", message, path=listed, fix="Give each split its own list.")
    return {member: split for member, split in found.items() if member not in contested}


def _by_folder(stated: Stated, path: str, given: Given) -> SplitLists:
    """Images below the folders that are stated. A folder that is stated for two splits says nothing."""
    folders: dict[str, set[Split]] = {}
    every = {member.path.rpartition("/")[0] for member in given.images}
    every |= {"/".join(folder.split("/")[:count]) for folder in every for count in range(1, folder.count("/") + 1)}
    for split, values in stated.items():
        for value in values:
            if (folder := _folder(value, path, every)) is not None:
                folders.setdefault(folder, set()).add(split)
    lists = SplitLists()
    twice = [folder for folder, splits in folders.items() if len(splits) > 1]
    if twice:
        message = f"{path} names the folder {twice[0]!r} for several splits, so it decides none."
        given.findings.add("warning", "split_contested", message, path=path, fix="Give each split its own folder.")
    plain = {folder: splits.pop() for folder, splits in folders.items() if len(splits) == 1}
    if len(set(plain.values())) < 2:
        return lists
    for member in given.images:
        around = [folder for folder in plain if member.path.startswith(f"{folder}/")]
        if around:
            lists.splits[member.position] = plain[max(around, key=len)]
    if lists.splits:
        lists.paths.add(path)
    return lists


def _folder(value: str, path: str, every: set[str]) -> str | None:
    """The folder of the archive that is meant: the longest end of the stated path that one of them ends with."""
    parts = [part for part in value.replace("\\", "/").split("/") if part not in {"", ".", ".."} and ":" not in part]
    home = path.rpartition("/")[0]
    if parts and (beside := "/".join(filter(None, (home, *parts)))) in every:
        return beside
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        fitting = [folder for folder in every if folder == end or folder.endswith(f"/{end}")]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None
