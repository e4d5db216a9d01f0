"""jobs receipt, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap import receipts
from patchswap.cli import jobs
from patchswap.cli.bundles import Key
from patchswap.cli.output import Json, connect, emit, note
from patchswap.errors import DamagedFile

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.receipts import Receipt


@jobs.app.command("receipt")
def receipt(
    job_id: jobs.JobId,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write. Default: print the content.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the signed receipt of a job: its data, its environment, and the sha256 of all results."""
    with connect() as client:
        found = client.jobs.receipt(job_id)
    if output is None:
        emit(found.content, as_json=as_json, text=_described(found))
        return
    output.write_bytes(found.envelope)
    emit({"file": str(output)}, as_json=as_json, text=str(output))


def reproduce(
    file: Annotated[Path, typer.Argument(metavar="RECEIPT", help="File of `patchswap jobs receipt JOB -o FILE`.")],
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Train again what a receipt says, and say whether the weights are the same bits. Exits with 1 if not."""
    before = receipts.read(file.read_bytes())
    with connect() as client:
        key_id = _checked(client, before, None if key is None else key.read_text())
        job = client.jobs.reproduce(before)
        if not as_json:
            note(f"{job.id} trains it again; follow it with `patchswap watch {job.id}`.")
        job.wait()
        after = client.jobs.receipt(job.id)
    found = _compared(before, after) | {"signed_by": key_id}
    emit(found, as_json=as_json, text=_verdict(before, after, found))
    if not found["same_weights"]:
        raise typer.Exit(1)


def _checked(client: Client, found: Receipt, pem: str | None) -> str | None:
    """The id of the key that signed it; None where neither the service nor the receipt knows of one."""
    if pem is None:
        own = client.exports.signing_key()
        pem = own.pem if own else None
    if pem is None:
        if found.is_signed:
            raise DamagedFile("This service does not sign, so it cannot check the receipt. Pass its key with --key.")
        note("The receipt is not signed, for the service that issued it signs nothing.")
        return None
    return receipts.check(found, pem)


def _compared(before: Receipt, after: Receipt) -> dict[str, Any]:
    return {
        "job_id": after.content["job_id"],
        "same_weights": before.weights_sha256 == after.weights_sha256,
        "weights_sha256": [before.weights_sha256, after.weights_sha256],
        "differences": receipts.differences(before, after),
    }


def _verdict(before: Receipt, after: Receipt, found: dict[str, Any]) -> str:
    if found["same_weights"]:
        lines = [f"The weights are the same bits: sha256 {after.weights_sha256}."]
    else:
        lines = [f"The weights differ: sha256 {before.weights_sha256}, now {after.weights_sha256}."]
        if not found["differences"]:
            lines.append(_UNEXPLAINED)
        if before.content["attempts"] > 1:
            lines.append("The first job took several attempts; its receipt knows the environment of the last one only.")
    return "\n".join([*lines, *(f"  {line}" for line in found["differences"])])


_UNEXPLAINED = (
    "Nothing that the receipts know of differs. Training on a GPU is not repeatable to the bit, nor on several devices."
)


def _described(found: Receipt) -> str:
    content, environment = found.content, found.content["environment"]
    rows = [
        ("job", content["job_id"]),
        ("model", content["model_id"]),
        ("dataset", f"{content['dataset']['version_id']}, digest {content['dataset']['digest']}"),
        ("seed", content["seed"]),
        ("attempts", content["attempts"]),
        *((name, _short(value)) for name, value in environment.items() if value is not None),
        ("weights", f"sha256 {found.weights_sha256}, {content['weights']['bytes']:,} bytes"),
        *((f"checkpoint {c['arm']} {c['step']}", f"sha256 {c['sha256']}") for c in content["checkpoints"]),
        *((f"export {e['id']}", f"{e['format']} {e['precision']}, sha256 {e['sha256']}") for e in content["exports"]),
        ("signed", "yes" if found.is_signed else "no, for the service signs nothing"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)


def _short(value: Any) -> str:
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
