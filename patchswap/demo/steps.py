"""What every demo does: speak, fetch a file and check it, and say what comes next."""

from __future__ import annotations

import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchswap.client import Client
from patchswap.errors import PatchswapError
from patchswap.resources import Export

DATA_DIR = Path(".demo")


@dataclass(frozen=True)
class Result:
    """What a demo leaves."""

    bundles: Sequence[Path]  # folders; the last one is the one to try first
    report: Path
    picture: Path  # for the model to be tried on


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def pull(client: Client, export: Export, name: str) -> Path:
    """The unpacked bundle, checked by its own program. Raises PatchswapError where that finds a fault."""
    folder = client.exports.pull(export, DATA_DIR / name, replace=True)
    say(f"checking the {export.precision} file with its own verify.py")
    done = subprocess.run([sys.executable, "verify.py"], check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise PatchswapError(f"{folder}/verify.py found a fault: {told[-1] if told else 'no message'}.")
    return folder


def show(result: Result) -> None:
    """Open the report, and print one line that runs the model and one for each other thing to do next."""
    opened = _opened(result.report)
    print(f"report:             {result.report}{' (opened in your browser)' if opened else ''}")
    print(f"run the model:      {_program('python')} {result.bundles[-1]}/infer.py {_quoted(result.picture)}")
    for folder in result.bundles:
        print(f"file:               {folder}/ with model, labels, preprocessing, model card and verify.py")
    patchswap = _program("patchswap")
    print(f"the service again:  {patchswap} up --data-dir {DATA_DIR}")


def your_own() -> None:
    print("your own images:    make demo DATA=FOLDER, with one folder of images per class")


def _opened(page: Path) -> bool:
    """Only where a person watches: a test or a pipe wants no browser."""
    if not sys.stdout.isatty():
        return False
    try:
        return webbrowser.get().open(page.resolve().as_uri())
    except webbrowser.Error:
        return False


def _program(name: str) -> str:
    """How to start it from here, also where no environment is activated."""
    path = Path(sys.executable).with_name(name)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _quoted(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
