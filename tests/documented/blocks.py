"""The fenced blocks of the pages that people read, and how each of them is held to be true.

A block in a language of PROGRAMS is run by a test that names its page, or stands below a mark that says why not:

    <!-- not run: needs a GPU -->

Marked blocks are still parsed: commands against the command line and the Makefile, Python by its compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = {"bash", "sh", "python", "console"}
# Why a block may not be run. A reason that is not listed here is refused: say it in these words, or run the block.
REASONS = {
    "needs a GPU",
    "needs a cluster",
    "needs a phone",
    "needs another machine",
    "needs Docker",
    "needs the network",
    "needs images of yours",
    "takes minutes",
    "installs packages",
    "part of a program of yours",
    "part of a deployment of yours",
    "run by CI itself",
}
# Pages whose blocks are run, whole and in order, and the test that does so.
RUN = {
    "docs/curl.md": "tests/patchswap/test_session_by_curl.py",
    "docs/api/*.md": "tests/documented/test_api_pages.py",
}
# Pages that are written from measurements, with the script that made them: their commands repeat hours of work.
MEASURED = {"docs/finetuning.md", "docs/networks.md", "docs/results.md", "docs/results_small.md"}

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n+)?^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    reason: str | None  # why it is not run

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_program(self) -> bool:
        return self.language in PROGRAMS or self.text.startswith("$ ")

    @property
    def is_run(self) -> bool:
        return any(Path(self.page).match(page) for page in RUN)

    @property
    def commands(self) -> list[str]:
        """Lines of a shell without continuations, comments and prompts."""
        joined = self.text.replace("\\\n", " ")
        lines = (re.sub(r"(?:^|\s)#(?!\w+=).*$", "", line).strip().removeprefix("$ ") for line in joined.splitlines())
        return [line for line in lines if line]


def pages() -> list[Path]:
    """All but decisions, which speak of their day, and the changelog."""
    docs = [path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts]
    others = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")]
    return sorted(docs) + others


def of_page(path: Path) -> Iterator[Block]:
    text, page = path.read_text(), str(path.relative_to(ROOT))
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(page, line, found["language"], found["text"], found["reason"])


def every() -> list[Block]:
    return [block for path in pages() for block in of_page(path)]
