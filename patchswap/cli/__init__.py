"""The command line: `patchswap COMMAND`. Exit status 0: done; 1: the service or the job failed; 2: wrong usage."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits. Expected errors are one line on stderr, with the remedy."""
    from patchswap.cli.app import app  # noqa: PLC0415 - `import patchswap.cli` stays free of charge
    from patchswap.errors import BadInput, NoCredentials, PatchswapError  # noqa: PLC0415

    try:
        app(arguments, prog_name="patchswap")
    except (BadInput, NoCredentials) as error:
        sys.exit(_complain(str(error), status=2))
    except PatchswapError as error:
        sys.exit(_complain(str(error), status=1))
    except OSError as error:
        sys.exit(_complain(f"{error.filename or 'input or output'}: {error.strerror or error}", status=1))


def _complain(message: str, *, status: int) -> int:
    print(f"patchswap: {message}", file=sys.stderr)
    return status
