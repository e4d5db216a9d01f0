"""Finds an image by what a table or an annotation calls it."""

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Member


class Finder:
    """By the path, by its last part, or by that without suffix, if only one image fits."""

    def __init__(self, images: list[Member]) -> None:
        self._by_path = {member.path: member for member in images}
        self._by_end: dict[str, list[Member]] = {}
        for member in images:
            last = member.path.rsplit("/", 1)[-1]
            for end in {last, names.stem(last)}:
                self._by_end.setdefault(end, []).append(member)

    def find(self, name: str, folder: str, split: Split | None = None) -> Member | None:
        """`folder`: of the file that names the image. `split`: which of several equal names is meant."""
        path = names.tidy(names.decode(name.strip().encode("utf-8", "replace"))[0])
        beside = f"{folder}/{path}" if folder else path
        if found := self._by_path.get(beside) or self._by_path.get(path):
            return found
        fitting = self._by_end.get(path.rsplit("/", 1)[-1], [])
        if len(fitting) > 1 and split is not None:
            fitting = [member for member in fitting if names.split_in(member.path) == split]
        return fitting[0] if len(fitting) == 1 else None
