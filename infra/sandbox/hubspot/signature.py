"""How HubSpot signs. Written apart from the connector, so that each checks the other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

# The only escapes that are decoded before signing; all others stay as they are.
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def sign_v3(secret: str, method: str, url: str, body: bytes, timestamp_ms: int) -> str:
    """Base64 of the HMAC-SHA256 over method, address, body and time, without separators."""
    address = re.sub("|".join(_DECODED), lambda found: _DECODED[found[0]], url)
    signed = method.encode() + address.encode() + body + str(timestamp_ms).encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def sign_v1(secret: str, body: bytes) -> str:
    """The older scheme, which real traffic still carries beside v3: hex of SHA-256."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def sign_v2(secret: str, method: str, url: str, body: bytes) -> str:
    """Of workflows: hex of SHA-256 over secret, method, address and body."""
    return hashlib.sha256(secret.encode() + method.encode() + url.encode() + body).hexdigest()


SCHEMES = ("v1", "v2", "v3")


def signed_headers(
    secret: str, url: str, body: bytes, timestamp_ms: int, scheme: str = "v3"
) -> dict[str, str]:
    """Of a POST. Under ``v3`` the older v1 comes along; under the older ones they come alone."""
    older = sign_v2(secret, "POST", url, body) if scheme == "v2" else sign_v1(secret, body)
    headers = {
        "Content-Type": "application/json",
        "X-HubSpot-Signature": older,
        "X-HubSpot-Signature-Version": "v2" if scheme == "v2" else "v1",
    }
    if scheme == "v3":
        headers["X-HubSpot-Request-Timestamp"] = str(timestamp_ms)
        headers["X-HubSpot-Signature-v3"] = sign_v3(secret, "POST", url, body, timestamp_ms)
    return headers
