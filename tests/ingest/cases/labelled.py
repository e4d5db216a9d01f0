"""Archives whose images are named by tables and lists, and what the reader made of them."""

from pathlib import Path
from typing import Any

from contract.specs.reading import ReadingSpec
from ingest import IngestResult
from tests.ingest.archives import png, zipped
from tests.ingest.packs import run_ingest

Files = dict[str, bytes]


def photos(names: list[str]) -> Files:
    return {name: png(number) for number, name in enumerate(names)}


def numbered(folder: str, count: int, start: int = 0) -> list[str]:
    return [f"{folder}{number}.png" for number in range(start, start + count)]


def csv_of(header: str, rows: list[str]) -> bytes:
    return "\n".join([header, *rows]).encode()


def parity(names: list[str], words: tuple[str, str] = ("even", "odd")) -> list[str]:
    return [f"{name},{words[number % 2]}" for number, name in enumerate(names)]


def read(files: Files, tmp_path: Path, **asked: Any) -> IngestResult:
    return run_ingest(zipped(files), tmp_path, reading=ReadingSpec(**asked))


def classes(result: IngestResult) -> set[str]:
    assert result.manifest is not None, result.report.findings[0]
    return set(result.manifest.classes)


def refusal(result: IngestResult) -> str:
    assert result.manifest is None
    first = result.report.findings[0]
    return f"{first.message} {first.fix}"


NAMES = numbered("images/", 40)
