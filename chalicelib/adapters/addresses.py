"""Which addresses of a network programs may be made to call by somebody who names a URL.

None through which one reaches what is not meant for the world: this machine, its neighbours, the
cloud's metadata. An IPv6 address that carries an IPv4 one is judged by that.

Source: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890), RFC 6052
(NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

# A table of our own, since Python's ``is_global`` has changed from one release to the next.
_REFUSED: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network, unspecified
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # behind a carrier's NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local: metadata of clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")

LONGEST_URL = 2000


def is_public(text: str) -> bool:
    """Whether the whole world may be reached there.

    >>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    address = _within(ip_address(text.partition("%")[0]))
    if isinstance(address, IPv6Address) and address not in _GLOBAL_6:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def is_loopback(text: str) -> bool:
    address = _within(ip_address(text.partition("%")[0]))
    return any(address in network for network in _LOOPBACK if network.version == address.version)


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return address


def allowed(addresses: Sequence[str], *, loopback: bool) -> bool:
    """Whether all that a name resolves to may be called: one that may not spoils the name.

    ``loopback`` lets a rehearsal call its own machine.
    """
    return bool(addresses) and all(
        is_public(one) or (loopback and is_loopback(one)) for one in addresses
    )


def fault(url: str, *, loopback: bool = False) -> str:
    """What is wrong with an address for webhooks as it is written, empty if nothing is.

    Where its name leads to is another question, which is asked anew with every call.

    >>> fault("https://shop.example/hooks?for=emtiaz"), fault("http://shop.example/")
    ('', 'write https:// instead of http://')
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "this is no URL"
    if len(url) > LONGEST_URL or not url.isascii() or any(character <= " " for character in url):
        return f"write at most {LONGEST_URL} letters of ASCII, without blanks"
    return _fault(parts, port, loopback=loopback)


def _fault(parts: SplitResult, port: int | None, *, loopback: bool) -> str:
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        return f"write https:// instead of {parts.scheme or 'nothing'}://"
    if not parts.hostname or port == 0:
        return "write the name of a host after https://"
    if parts.username is not None or parts.password is not None:
        return "remove the user and password: receivers know us by the signature"
    if parts.fragment:
        return "remove what follows #: it is never sent"
    return _literal_fault(parts.hostname, loopback=loopback)


def _literal_fault(host: str, *, loopback: bool) -> str:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    return "" if allowed([host], loopback=loopback) else f"{host} is no address of the internet"
