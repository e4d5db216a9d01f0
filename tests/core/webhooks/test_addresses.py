"""Which addresses may be told anything, and which urls are refused as they stand."""

from __future__ import annotations

import pytest

from core.webhooks import addresses
from core.webhooks.addresses import UrlRefused

FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
    *("168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "100::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
]
ALLOWED = ["1.1.1.1", "8.8.8.8", "193.0.6.139", "2606:4700:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8"]
SPELLINGS = ["127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "[::1]", "0"]
UNFIT = [
    *(
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com:70/_x",
        "//example.com/",
    ),
    *("https:///hook", "https://user@example.com/", "https://user:word@example.com/", "https://example.com/#part"),
    *("https://example.com:99999/", "https://example.com:x/", "https://[::1", "https://example.com\\@127.0.0.1/", "x"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_address_that_is_not_public_is_never_told(strict, address: str):
    assert not addresses.is_allowed(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_public_address_is(strict, address: str):
    assert addresses.is_allowed(address)


@pytest.mark.parametrize("host", [*SPELLINGS, "169.254.169.254", "[::ffff:7f00:1]", "[fd00:ec2::254]", "①②⑦.0.0.1"])
def test_host_that_is_a_forbidden_number_is_refused_in_any_spelling(strict, host: str):
    with pytest.raises(UrlRefused, match=r"is not a public address\. Give an https url"):
        addresses.require_allowed(f"https://{host}/hook")


@pytest.mark.parametrize("url", UNFIT)
def test_url_that_is_not_https_to_a_host_is_refused(strict, url: str):
    with pytest.raises(UrlRefused):
        addresses.require_allowed(url)


@pytest.mark.parametrize("url", ["https://example.com/hook", "https://example.com:8443/?a=b", "https://8.8.8.8/"])
def test_https_url_is_taken(strict, url: str):
    addresses.require_allowed(url)


def test_a_service_of_ones_own_may_tell_loopback_and_private_networks_but_no_metadata(private):
    for url in ("http://127.0.0.1:9000/", "http://localhost/", "http://192.168.1.9/", "https://[::1]/"):
        addresses.require_allowed(url)
    for address in ("127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "fd12::1", "::ffff:10.0.0.1"):
        assert addresses.is_allowed(address)
    for address in ("169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "168.63.129.16"):
        assert not addresses.is_allowed(address)
