"""Pages that stand outside docs/, and links that lead there."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "vulnerabilities.md",
    "examples/README.md": "examples.md",
}
FOLDERS = {"docs/decisions": "decisions/index.md"}
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^):#\s]+)(?P<anchor>#[^)\s]*)?\)")
_FENCE = re.compile(r"(```.*?```)", re.DOTALL)


def on_the_site(markdown: str, place: str) -> str:
    """`markdown` of the file `place` (from the root), with its links as they are on the site.

    A link to a file that has no page becomes its text: the site holds no code.
    """
    folder = PurePosixPath(PAGES.get(place, place.removeprefix("docs/"))).parent
    parts = _FENCE.split(markdown)
    parts[::2] = [
        LINK.sub(lambda found: _link(found, PurePosixPath(place).parent, folder), part) for part in parts[::2]
    ]
    return "".join(parts)


def _link(found: re.Match[str], there: PurePosixPath, folder: PurePosixPath) -> str:
    target = _normal(there / found["path"])
    page = (PAGES | FOLDERS).get(target, target.removeprefix("docs/") if _is_page(target) else None)
    if page is not None:
        up = "../" * len(folder.parts)
        return f"[{found['text']}]({up}{page}{found['anchor'] or ''})"
    return found["text"] if (ROOT / target).exists() else found[0]  # MkDocs then says that it leads nowhere


def _is_page(target: str) -> bool:
    """Also of one that is written from the code, or that does not exist: MkDocs then says so."""
    return target.startswith("docs/") and not (ROOT / target).is_dir()


def _normal(path: PurePosixPath) -> str:
    """Without `..` in it."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
