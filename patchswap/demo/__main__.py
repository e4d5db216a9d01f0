"""`python -m patchswap.demo [FOLDER]`: from images to a measured file. Every figure is the service's own answer."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from patchswap import credentials
from patchswap.client import Client
from patchswap.demo import on_digits, on_photos, service
from patchswap.demo.steps import DATA_DIR, Result, say, show, your_own
from patchswap.errors import BadInput, PatchswapError
from patchswap.local import extras


def main(arguments: list[str]) -> int:
    started_at = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the service is stopped in order then, too
    try:
        folder = _folder(arguments)
        extras.require("all", command="python -m patchswap.demo")
        DATA_DIR.mkdir(exist_ok=True)
        (DATA_DIR / ".gitignore").write_text("*\n")
        say(f"starting Postgres, Redis, the api and two workers; their data goes to {DATA_DIR.resolve()}")
        with service.running(DATA_DIR, one_thread=folder is None):
            result = _run(folder)
    except PatchswapError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped; run it again to continue with what is there", file=sys.stderr)
        return 130
    say(f"done in {time.monotonic() - started_at:.0f} s; the service is stopped")
    show(result)
    if folder is None:
        your_own()
    return 0


def _folder(arguments: list[str]) -> Path | None:
    """The reader's own, if one was named. Raises BadInput."""
    if not arguments:
        return None
    if len(arguments) > 1:
        raise BadInput(f"Name one folder; you named {len(arguments)}. A name with spaces needs quotes.")
    folder = Path(arguments[0]).expanduser()
    if not folder.exists():
        raise BadInput(f"There is no folder {folder}. Name one that holds a folder of images per class.")
    return folder


def _run(folder: Path | None) -> Result:
    found = credentials.read(DATA_DIR / "client.json")
    assert found is not None  # noqa: S101 - a ready service has written it
    with Client(found.url, found.api_key) as client:
        return on_digits.run(client) if folder is None else on_photos.run(client, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
