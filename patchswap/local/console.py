"""The console in the person's browser, logged in by a link whose secret no process list, shell history or log has."""

from __future__ import annotations

import os
import tempfile
import time
import webbrowser
from html import escape
from pathlib import Path
from threading import Thread

FILE_LASTS_SECONDS = 60.0  # as long as the link


def address(url: str, secret: str) -> str:
    """The secret is in the fragment, which browsers send to nobody."""
    return f"{url}/ui/#login={secret}"


def open_in_browser(url: str, secret: str) -> Thread | None:
    """Hands the link over in a file that only this user can read. None where there is no browser to open.

    The thread deletes the file once the link is too old to be worth anything.
    """
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    path = _write(address(url, secret))
    if not browser.open(path.as_uri()):
        path.unlink()
        return None
    remover = Thread(target=_remove_later, args=(path,), name="login-link", daemon=True)
    remover.start()
    return remover


def _write(link: str) -> Path:
    handle, name = tempfile.mkstemp(prefix="patchswap-", suffix=".html")  # mode 0600
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={escape(link)}">'
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(page)
    return Path(name)


def _remove_later(path: Path) -> None:
    time.sleep(FILE_LASTS_SECONDS)
    path.unlink(missing_ok=True)
