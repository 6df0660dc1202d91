"""Who sent it: HubSpot's signature v3, and v1 and v2 where a connection takes them.

========  =====================================  ==================================
version   what is signed                         how
========  =====================================  ==================================
v3        method, address, body, time            HMAC-SHA256, Base64
v2        client secret, method, address, body   SHA-256, hexadecimal
v1        client secret, body                    SHA-256, hexadecimal
========  =====================================  ==================================

The key is the app's client secret. Nothing in v1 and v2 ever expires, and v1 does not even say
where a body was sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import SignatureInvalid

SIGNATURE_HEADER = "x-hubspot-signature-v3"
TIMESTAMP_HEADER = "x-hubspot-request-timestamp"
OLDER_SIGNATURE_HEADER = "x-hubspot-signature"
VERSION_HEADER = "x-hubspot-signature-version"
WINDOW = timedelta(minutes=5)

# HubSpot undoes these escapes of the URL before signing, and no others; lower-case hex is not
# among them.
_UNESCAPED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_UNESCAPED))


def sign(method: str, url: str, body: bytes, timestamp: str, secret: str) -> str:
    """The Base64 of ``X-HubSpot-Signature-v3``; ``timestamp`` is epoch milliseconds.

    >>> uri = "https://www.example.com/webhook_uri"
    >>> body = b"{'example_field':'example_value'}"
    >>> sign("POST", uri, body, "1693657560000", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy")
    'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='
    """
    message = f"{method}{_signed_url(url)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def sign_v2(method: str, url: str, body: bytes, secret: str) -> str:
    """The hexadecimal digits of ``X-HubSpot-Signature`` in version v2.

    >>> uri = "https://www.example.com/webhook_uri"
    >>> sign_v2("GET", uri, b"", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy")
    'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e'
    """
    return hashlib.sha256(f"{secret}{method}{url}".encode() + body).hexdigest()


def sign_v1(body: bytes, secret: str) -> str:
    return hashlib.sha256(secret.encode() + body).hexdigest()


def verify(request: Request, secret: Secret, now: datetime) -> None:
    """Against ``secret.url``: headers and path that a proxy rewrote are no evidence.

    Where v3 is given, it alone decides. Raises SignatureInvalid, also when the secret lists
    nothing to check against.
    """
    if SIGNATURE_HEADER in request.headers:
        _verify_v3(request, secret, now)
    else:
        _verify_older(request, secret)


def address(request: Request, secret: Secret) -> str:
    """Where the request was sent, as HubSpot was told it."""
    return f"{secret.url}/{request.channel}" if request.channel else secret.url


def _verify_v3(request: Request, secret: Secret, now: datetime) -> None:
    timestamp = request.headers.get(TIMESTAMP_HEADER, "")
    _check_time(timestamp, now)
    url = address(request, secret)
    _check(
        request.headers[SIGNATURE_HEADER],
        [sign(request.method, url, request.body, timestamp, key) for key in secret.webhook_secrets],
    )


def _verify_older(request: Request, secret: Secret) -> None:
    version = request.headers.get(VERSION_HEADER, "")
    sign_older = _OLDER.get(version)
    # A channel is a part of the address, which v1 does not cover.
    uncovered = version == "v1" and request.channel
    if sign_older is None or version not in secret.signatures or uncovered:
        raise SignatureInvalid("there is no signature of a version that is taken here")
    url = address(request, secret)
    _check(
        request.headers.get(OLDER_SIGNATURE_HEADER, ""),
        [sign_older(request, url, key) for key in secret.webhook_secrets],
    )


_OLDER: Mapping[str, Callable[[Request, str, str], str]] = {
    "v1": lambda request, _url, key: sign_v1(request.body, key),
    "v2": lambda request, url, key: sign_v2(request.method, url, request.body, key),
}


def _check(given: str, right: list[str]) -> None:
    """Compare with every one of them, in a time that does not tell how much was alike."""
    signature = given.encode(errors="replace")
    if not any([hmac.compare_digest(one.encode(), signature) for one in right]):  # noqa: C419
        raise SignatureInvalid("the signature does not match any live secret")


def _signed_url(url: str) -> str:
    return _ESCAPE.sub(lambda escape: _UNESCAPED[escape[0]], url)


def _check_time(timestamp: str, now: datetime) -> None:
    # 15 digits reach the year 33658; int() alone would take signs, spaces and Persian digits.
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is missing or not in milliseconds")
    sent = timedelta(milliseconds=int(timestamp))
    if abs(now - datetime.fromtimestamp(0, UTC) - sent) > WINDOW:
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is more than {WINDOW} away")
