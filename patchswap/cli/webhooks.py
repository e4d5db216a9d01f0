"""webhooks create, list, enable, disable, rotate-secret, rm, ping, deliveries, redeliver."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli.output import Json, connect, emit, note, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.resources import Delivery, Webhook

app = typer.Typer(help="Notify your server of events.", no_args_is_help=True)
WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Webhook, whk_...")]


@app.command()
def create(  # noqa: PLR0917 - one for each option
    url: Annotated[str, typer.Argument(help="Address of your server, https://..., or mailto:you@example.com.")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="Event such as job.succeeded. Repeatable. Default: all events, or none with --threshold."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help="Format: standard, slack or email. Default: email for mailto:, otherwise standard."
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="Notify once a job when METRIC>VALUE or METRIC<VALUE. Quote it. Repeatable."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="What the webhook is for.")] = None,
    as_json: Json = False,
) -> None:
    """Create a webhook. Its secret is shown only once."""
    with connect() as client:
        webhook = client.webhooks.create(
            url,
            events=event or (() if threshold else ("*",)),
            description=description,
            format=format_ or ("email" if url.lower().startswith("mailto:") else "standard"),
            thresholds=[_threshold(each) for each in threshold or ()],
        )
    is_signed = webhook.format == "standard"
    emit(webhook, as_json=as_json, text=str(webhook.secret) if is_signed else webhook.id)
    if is_signed and not as_json:
        note(f"{webhook.id}: this secret verifies its messages. It is not shown again.")


@app.command("list")
def list_webhooks(as_json: Json = False) -> None:
    """List webhooks, without their secrets."""
    with connect() as client:
        found = list(client.webhooks.list())
    rows = [
        (
            w.id,
            w.url,
            " ".join([*w.events, *map(_threshold_text, w.thresholds)]),
            _state(w.enabled, w.disabled_reason),
            w.created_at,
        )
        for w in found
    ]
    emit(found, as_json=as_json, text=table(("ID", "URL", "EVENTS", "STATE", "CREATED"), rows))


@app.command()
def show(webhook_id: WebhookId, as_json: Json = False) -> None:
    """Show a webhook."""
    with connect() as client:
        found = client.webhooks.get(webhook_id)
    state = "enabled" if found.enabled else f"disabled: {found.disabled_reason}"
    emit(found, as_json=as_json, text=f"{found.id} {found.url} ({found.format}): {_told(found)}; {state}")


@app.command()
def enable(webhook_id: WebhookId, as_json: Json = False) -> None:
    """Send messages again, also those that are still waiting."""
    _change(webhook_id, enabled=True, as_json=as_json)


@app.command()
def disable(webhook_id: WebhookId, as_json: Json = False) -> None:
    """Stop sending until it is enabled. Events in between are not sent later."""
    _change(webhook_id, enabled=False, as_json=as_json)


@app.command()
def rotate_secret(
    webhook_id: WebhookId,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=168, help="Hours the old secret stays valid. Use 0 if it leaked.")
    ] = 24,
    as_json: Json = False,
) -> None:
    """Replace the secret. The new one is shown only once."""
    with connect() as client:
        webhook = client.webhooks.rotate_secret(webhook_id, overlap_seconds=overlap_hours * 3600)
    emit(webhook, as_json=as_json, text=str(webhook.secret))
    if not as_json:
        until = webhook.former_secrets_until
        note(
            f"Messages are also signed with the old secret until {until}."
            if until
            else "The old secret is no longer valid."
        )


@app.command()
def rm(webhook_id: WebhookId, as_json: Json = False) -> None:
    """Delete a webhook, with its waiting messages."""
    with connect() as client:
        client.webhooks.delete(webhook_id)
    emit({"id": webhook_id, "deleted": True}, as_json=as_json, text=f"deleted {webhook_id}")


@app.command()
def ping(webhook_id: WebhookId, as_json: Json = False) -> None:
    """Send a test message."""
    with connect() as client:
        delivery = client.webhooks.ping(webhook_id)
    emit(delivery, as_json=as_json, text=delivery.id)
    if not as_json:
        note(f"See the result: patchswap webhooks deliveries {webhook_id}")


@app.command()
def deliveries(
    webhook_id: WebhookId,
    status: Annotated[
        str | None, typer.Option(help="Only messages with this status: queued, running, succeeded or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20,
    as_json: Json = False,
) -> None:
    """List messages with their answers."""
    with connect() as client:
        listed = client.webhooks.deliveries(webhook_id, status=status)
        found = [delivery for delivery, _ in zip(listed, range(limit), strict=False)]
    emit(found, as_json=as_json, text=_table(found))


@app.command()
def redeliver(
    webhook_id: WebhookId,
    delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="Message, whd_...")],
    as_json: Json = False,
) -> None:
    """Send a message again."""
    with connect() as client:
        delivery = client.webhooks.redeliver(webhook_id, delivery_id)
    emit(delivery, as_json=as_json, text=_table([delivery]))


def _threshold(text: str) -> dict[str, Any]:
    """Raises BadInput."""
    found = re.fullmatch(r"\s*([a-z0-9_.]+)\s*([<>])\s*(\S+)\s*", text)
    try:
        metric, side, value = found.groups() if found else ("", "", "")
        return {"metric": metric, {">": "above", "<": "below"}[side]: float(value)}
    except (KeyError, ValueError) as error:
        raise BadInput(f"{text!r} is no threshold. Example: --threshold 'val.top1_accuracy>0.9'.") from error


def _told(webhook: Webhook) -> str:
    return " ".join([*webhook.events, *map(_threshold_text, webhook.thresholds)])


def _threshold_text(threshold: dict[str, Any]) -> str:
    side, value = (">", threshold["above"]) if threshold.get("above") is not None else ("<", threshold["below"])
    return f"{threshold['metric']}{side}{value:g}"


def _change(webhook_id: str, *, enabled: bool, as_json: bool) -> None:
    with connect() as client:
        webhook = client.webhooks.change(webhook_id, enabled=enabled)
    emit(webhook, as_json=as_json, text=f"{webhook.id} {_state(webhook.enabled, webhook.disabled_reason)}")


def _state(enabled: bool, reason: str | None) -> str:
    return "enabled" if enabled else "disabled" + (f": {reason}" if reason else "")


def _table(found: list[Delivery]) -> str:
    rows = [(d.id, d.type, d.status, d.attempts, d.answer_status, d.answer, d.next_attempt_at) for d in found]
    return table(("ID", "TYPE", "STATUS", "ATTEMPTS", "ANSWER", "WHICH SAID", "NEXT"), rows)
