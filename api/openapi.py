"""The OpenAPI document: `python -m api.openapi` writes docs/openapi.json, `--check` compares it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from api.app import create_app

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"


def rendered() -> bytes:
    return orjson.dumps(create_app().openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/openapi.json.")
    parser.add_argument("--check", action="store_true", help="only compare; ends 1 where they differ")
    if not parser.parse_args().check:
        PATH.write_bytes(rendered())
        return 0
    if PATH.is_file() and PATH.read_bytes() == rendered():
        return 0
    print("docs/openapi.json is not what the api serves; run `python -m api.openapi` and commit it", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
