"""The OpenAPI document: `python -m api.openapi` writes docs/openapi.json, `--check` compares it.

`--check` also refuses a change that breaks clients of the last release, unless the changelog names it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from api.app import create_app
from api.document import changes

ROOT = Path(__file__).parent.parent
PATH = ROOT / "docs" / "openapi.json"
CHANGELOG = ROOT / "CHANGELOG.md"


def rendered() -> bytes:
    return orjson.dumps(create_app().openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def released() -> Path:
    """The document of the newest release; each is kept as it was."""
    return max((ROOT / "docs").glob("openapi-*.json"), key=_version)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/openapi.json.")
    parser.add_argument("--check", action="store_true", help="only compare; ends 1 where something is amiss")
    if not parser.parse_args().check:
        PATH.write_bytes(rendered())
        return 0
    faults = list(_faults(rendered()))
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if faults else 0


def _faults(document: bytes) -> list[str]:
    found = []
    if not PATH.is_file() or PATH.read_bytes() != document:
        found.append("docs/openapi.json is not what the api serves; run `python -m api.openapi` and commit it")
    old = released()
    broken = changes.breaks(orjson.loads(old.read_bytes()), orjson.loads(document))
    return found + [
        f"{each.name}: {each.what} (docs/{old.name} is the last release). Undo it, or name `{each.name}` under "
        "Unreleased in CHANGELOG.md and say what clients must do"
        for each in changes.unannounced(broken, CHANGELOG.read_text())
    ]


def _version(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.removeprefix("openapi-").split(".")))


if __name__ == "__main__":
    sys.exit(main())
