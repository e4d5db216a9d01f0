"""One signed POST to somebody else's server: quickly over, to an address that was looked up once and found allowed.

The address that was checked is the one that is connected to, so a name that leads elsewhere a moment later leads
nowhere. TLS and `Host` go by the name. Redirects are answers like others; nothing is read from the environment.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from ssl import SSLContext

import httpx
from standardwebhooks import Webhook as Signer

from core.webhooks.addresses import is_allowed
from core.webhooks.deliveries import Answer

Resolve = Callable[[str, int], Sequence[str]]  # a name and a port; the addresses it leads to
MAX_ADDRESSES = 4
CONNECT_SHARE = 0.3  # of the time: one address that is silent leaves some for the next
MAX_ANSWER_BYTES = 4_096
KEPT_CHARACTERS = 500
ANSWER_SECONDS = 2.0  # for the body, which is only written down


class AddressRefused(Exception):
    """A name leads to where nothing is sent."""


def look_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def send(
    url: str, secrets: Sequence[str], message_id: str, body: bytes, *, seconds: float, resolve: Resolve = look_up
) -> Answer:
    """What came back within so many seconds, and two more for a slow body."""
    begun = time.monotonic()
    try:
        status, text = asyncio.run(_send(url, _headers(secrets, message_id, body), body, seconds, resolve))
    except TimeoutError:
        status, text = None, f"no answer within {seconds:g} s"
    except (AddressRefused, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        status, text = None, f"{type(error).__name__}: {error}"
    return Answer(status, _storable(text), round(time.monotonic() - begun, 3))


async def _send(url: str, headers: dict[str, str], body: bytes, seconds: float, resolve: Resolve) -> tuple[int, str]:
    timeout = httpx.Timeout(seconds, connect=seconds * CONNECT_SHARE)
    async with httpx.AsyncClient(verify=_tls(), trust_env=False, follow_redirects=False, timeout=timeout) as client:
        async with asyncio.timeout(seconds):
            target = httpx.URL(url)
            addresses = await _allowed_addresses(target, resolve)
            answer = await _first_answer(client, target, addresses, headers, body)
        return answer.status_code, await _beginning(answer)


async def _allowed_addresses(target: httpx.URL, resolve: Resolve) -> Sequence[str]:
    """Raises AddressRefused where one of them is not allowed: nobody has such a name by mistake."""
    host = target.raw_host.decode("ascii")
    port = target.port or (443 if target.scheme == "https" else 80)
    found = await asyncio.get_running_loop().run_in_executor(_resolver(), resolve, host, port)
    for address in found:
        if not is_allowed(address):
            raise AddressRefused(f"{host} leads to {address}, which is no public address")
    return found[:MAX_ADDRESSES]


async def _first_answer(
    client: httpx.AsyncClient, target: httpx.URL, addresses: Sequence[str], headers: dict[str, str], body: bytes
) -> httpx.Response:
    """Of the first address that takes a connection."""
    named = headers | {"Host": target.netloc.decode("ascii")}
    extensions = {"sni_hostname": target.raw_host.decode("ascii")}
    failure: Exception = AddressRefused(f"{target.host} has no address")
    for address in addresses:
        request = client.build_request(
            "POST", target.copy_with(host=address), content=body, headers=named, extensions=extensions
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    raise failure


async def _beginning(answer: httpx.Response) -> str:
    """Of the body, as it comes over the wire. Whatever is wrong with it, the status was told."""
    held = bytearray()
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            async for chunk in answer.aiter_raw():
                held += chunk
                if len(held) >= MAX_ANSWER_BYTES:
                    break
    await answer.aclose()
    return held.decode(errors="replace")


def _headers(secrets: Sequence[str], message_id: str, body: bytes) -> dict[str, str]:
    """As Standard Webhooks has it: a signature a secret over id, time and body, of which receivers need one."""
    at = datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"patchswap/{version('patchswap')}",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, at, body.decode()) for secret in secrets),
    }


@lru_cache
def _tls() -> SSLContext:
    """The usual authorities, and those of this machine, or of SSL_CERT_FILE."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


@lru_cache
def _resolver() -> ThreadPoolExecutor:
    """Look-ups cannot be interrupted: one that hangs is left behind, and the next ones have a thread each."""
    return ThreadPoolExecutor(16, thread_name_prefix="resolver")


def _storable(text: str) -> str:
    """Postgres takes no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:KEPT_CHARACTERS]
