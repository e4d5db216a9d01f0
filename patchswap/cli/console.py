"""login-link: the console in a browser, logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli.output import connect, note
from patchswap.local import console

if TYPE_CHECKING:
    from threading import Thread

    from patchswap.client import Client


def login_link(
    show: Annotated[bool, typer.Option("--show", help="Print the link, for a browser on another machine.")] = False,
) -> None:
    """Open the console in your browser, logged in. The link works once, within a minute."""
    with connect() as client:
        if show:
            typer.echo(console.address(client.url, client.login_link().secret))
        elif remover := open_in_browser(client):
            remover.join()


def open_in_browser(client: Client) -> Thread | None:
    """Says what it did. The thread ends when the link is too old to be worth anything; None where no browser is."""
    remover = console.open_in_browser(client.url, client.login_link().secret)
    if remover is None:
        note("There is no browser to open. `patchswap login-link --show` prints a link for one elsewhere.")
    else:
        note(f"The console is open in your browser: {client.url}/ui/")
    return remover
