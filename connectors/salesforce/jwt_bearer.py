"""An assertion for the JWT bearer flow, RS256, with nothing but the standard library.

Sources: RFC 7515 (JWS), RFC 7523 (the flow), RFC 8017: sections 8.2 and 9.2 (RSASSA-PKCS1-v1_5)
and A.1.2 (the private key, which RFC 5208 wraps once more). Nobody but Salesforce sees a signature,
what is signed is not chosen by others, and one is made every half hour; so that the time which it
takes tells nobody anything of the key. Each signature is checked before it is given away, since one
that a fault had broken would give the key away with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.core.errors import CredentialsInvalid

LIVES = timedelta(minutes=2)
"""Salesforce takes none that would live for more than three, by its own clock."""

SMALLEST_BITS = 2048

_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""The DER of DigestInfo before a digest of SHA-256 (RFC 8017, section 9.2, note 1)."""

_PEM = re.compile(
    r"-----BEGIN ((?:RSA )?)PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END \1PRIVATE KEY-----"
)
"""Among others, such as its certificate; on one line too, as variables come to be written."""

_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
_LONG_FORM = 0x80


class PrivateKey(NamedTuple):
    modulus: int
    public_exponent: int
    private_exponent: int


def assertion(client_id: str, user: str, audience: str, pem: str, now: datetime) -> str:
    """Raises CredentialsInvalid for what is no private RSA key; the text is in no error."""
    claims = {
        "iss": client_id,
        "sub": user,
        "aud": audience,
        "exp": int((now + LIVES).timestamp()),
    }
    signed = b".".join(_segment(json.dumps(one).encode()) for one in ({"alg": "RS256"}, claims))
    return (signed + b"." + _segment(signature(signed, private_key(pem)))).decode()


def signature(message: bytes, key: PrivateKey) -> bytes:
    length = (key.modulus.bit_length() + 7) // 8
    digest = _SHA256 + hashlib.sha256(message).digest()
    padded = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    number = int.from_bytes(padded)
    made = pow(number, key.private_exponent, key.modulus)
    if pow(made, key.public_exponent, key.modulus) != number:
        raise CredentialsInvalid("the private key does not fit together")
    return made.to_bytes(length)


def private_key(pem: str) -> PrivateKey:
    """From PKCS#1 or PKCS#8, not encrypted. Raises CredentialsInvalid."""
    found = _PEM.search(pem)
    try:
        der = base64.b64decode("".join(found[2].split()) if found else "", validate=True)
        key = _key(der)
    except (ValueError, IndexError, binascii.Error):
        raise CredentialsInvalid("the private key is not RSA in PEM, or is encrypted") from None
    if key.modulus.bit_length() < SMALLEST_BITS:
        raise CredentialsInvalid(f"the private key has less than {SMALLEST_BITS} bits")
    return key


def is_private_key(text: str) -> bool:
    """Also with what other tools write before it: taken for a secret, the key would be sent."""
    return "-----BEGIN" in text


def _key(der: bytes) -> PrivateKey:
    members = list(_members(_content(der, _SEQUENCE)))
    if members[1][0] == _SEQUENCE:  # PKCS#8: version, algorithm, and the key within octets
        members = list(_members(_content(members[2][1], _SEQUENCE)))
    numbers = [int.from_bytes(content) for tag, content in members if tag == _INTEGER]
    _, modulus, public, private, *_ = numbers
    return PrivateKey(modulus, public, private)


def _content(der: bytes, tag: int) -> bytes:
    found, content = next(_members(der), (None, b""))
    if found != tag:
        raise ValueError("not the expected member")
    return content


def _members(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & _LONG_FORM:
            size = length & ~_LONG_FORM
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length


def _segment(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
