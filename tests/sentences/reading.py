"""Every sentence that a customer reads, taken out of the code without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "contract", "core", "ingest", "patchswap", "trainer", "worker")
GAP = "\N{HORIZONTAL ELLIPSIS}"  # stands for a value that is known only when the sentence is said

# Calls whose texts reach a customer, by the last part of their name.
CALLS = {
    "BadInput", "CannotStart", "Conflict", "DamagedFile", "DatasetNotReady", "DatasetFailed", "ChecksumMismatch",
    "DownloadFailed", "ExportNotServable", "Finding", "Forbidden", "Gone", "InUse", "Invalid", "JobError", "Malformed",
    "MalformedBody", "MissingExtra", "NoCredentials", "NotAsPublished", "NotFound", "NotGenuine", "PatchswapError",
    "ExportNotReady", "ExportUnfit", "ExportUnmeasurable", "ImageIsTiles", "RateLimited", "UnsupportedMediaType",
    "UploadIncomplete", "WeightsFailed", "WeightsNotReady", "WrongLength", "_unusable",
    "Refused", "ServiceUnreachable", "SpecWarning", "StoreUnavailable", "TooLarge", "TooMany", "QuotaExceeded",
    "Unavailable", "Unusable", "UnusableKey", "UnusableKeys", "UrlRefused", "Violation", "WaitTimeout", "Wrong",
    "_Ending", "_damaged", "_malformed", "_unfit", "_unsound", "add", "broken", "damaged", "ended",
    "ignore", "leave_out", "loss_nan", "malformed", "note", "reject", "refuse", "ValueError",
}  # fmt: skip
NAMES = {"message", "fix", "remedy", "remediation", "detail", "sentence", "_FIX", "_REMEDY", "SAVE", "REMEDIES"} | {
    "ELSEWHERE"
}
_INTERNAL = {"ValueError": ("contract", "core/sweeps")}  # elsewhere it is a bug's, not a customer's


@dataclass(frozen=True)
class Said:
    place: str
    line: int
    text: str
    node: ast.expr

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.text}"


def in_code() -> Iterator[Said]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from in_module(path)


def in_module(path: Path) -> Iterator[Said]:
    place = str(path.relative_to(ROOT))
    for node in ast.walk(ast.parse(path.read_text())):
        for text in _texts_of(node, place):
            told = _written(text)
            if told is not None and _is_prose(told):
                yield Said(place, text.lineno, told, text)


def _texts_of(node: ast.AST, place: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and _speaks(node, place):
        for value in [*node.args, *(one.value for one in node.keywords)]:
            yield from _branches(value)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(one, ast.Name) and one.id in NAMES for one in targets):
            yield from _branches(node.value)


def _speaks(node: ast.Call, place: str) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in CALLS and place.startswith(_INTERNAL.get(name, ("",)))


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    """The texts that an expression may come to."""
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    elif isinstance(value, ast.BoolOp | ast.Dict):
        for one in value.values:
            yield from _branches(one)
    elif isinstance(value, ast.Constant | ast.JoinedStr):
        yield value


def _written(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(one.value) if isinstance(one, ast.Constant) else GAP for one in node.values)


def _is_prose(text: str) -> bool:
    """Neither a code, a path, a name nor a piece of one: three words at least."""
    return text.count(" ") >= 2 and any(word.isalpha() and word.islower() for word in text.split())
