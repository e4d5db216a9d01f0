"""Where messages may go: to public addresses, by https. What a name leads to is only known when something is sent.

So the rule stands twice: here for a url as it is written, and in `worker.tasks.sending` for the address used.
"""

import ipaddress
import socket
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from core.errors import Invalid
from core.settings import settings

# Global unicast. Whatever embeds an IPv4 address by its prefix alone (::ffff:0:0/96, 64:ff9b::/96) lies outside.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
# 6to4 and Teredo, which have IPv4 inside, and documentation.
_SPECIAL_V6 = [ipaddress.ip_network(each) for each in ("2002::/16", "2001::/32", "3fff::/20")]
# Public to the library, of which versions differ: protocol assignments (Oracle's metadata), 6to4 relays, Azure's own.
_SPECIAL_V4 = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
# A cloud's metadata are link-local, and never told anything.
_PRIVATE = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UrlRefused(Invalid):
    """Messages are not sent there. Give an https url whose host has a public address."""


def require_allowed(url: str) -> None:
    """A url as it is written. Raises UrlRefused."""
    parts = _split(url)
    if parts.scheme not in (("https", "http") if settings().webhook_allow_private else ("https",)):
        _refuse(f"Messages are sent by https, not by {parts.scheme or 'nothing'}.")
    if not parts.hostname:
        _refuse("The url has no host.")
    if "@" in parts.netloc:
        _refuse("The url holds a user name; receivers must check the signature instead.")
    if parts.fragment:
        _refuse("The url has a fragment, which is never sent to a server.")
    address = _spelt_out(str(parts.hostname))
    if address is not None and not is_allowed(address):
        _refuse(f"{address} is not a public address.")


def is_allowed(address: str) -> bool:
    """Whether a numeric address may be connected to."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if settings().webhook_allow_private and (found.is_loopback or any(found in network for network in _PRIVATE)):
        return True
    return _is_public(found)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in each for each in _SPECIAL_V4)
    else:
        special = address not in _PUBLIC_V6 or any(address in each for each in _SPECIAL_V6)
    return address.is_global and not special


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read when asked for
    except ValueError as error:
        raise UrlRefused(f"The url cannot be read: {error}.", pointer="/url") from error
    return parts


def _spelt_out(host: str) -> str | None:
    """The address of a host that is a number, in whichever spelling: 127.1, 0x7f000001, 2130706433, ::1."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])


def _refuse(sentence: str) -> NoReturn:
    raise UrlRefused(f"{sentence} Give an https url whose host has a public address.", pointer="/url")
