"""Who sent it: Zoho signs nothing, so a delivery shows two secrets that it was given.

========================  =======================  ==========================================
delivery                  in its address           beside it
========================  =======================  ==========================================
notification              ``path_token``           ``token`` in the body
workflow webhook          ``path_token``           header ``X-Emtiaz-Token``, or ``secret`` in
                                                   a form
========================  =======================  ==========================================

Both are made of the connection's one webhook secret, which itself never travels. They prove that
the sender knows them, and nothing of the body, nor of its time.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import PayloadInvalid, SignatureInvalid
from connectors.zoho.payload import content

TOKEN_HEADER = "x-emtiaz-token"  # noqa: S105 - a header's name
TOKEN_MEMBER = "token"  # noqa: S105 - of a notification's body
SECRET_PARAMETER = "secret"  # noqa: S105 - of a form

_LENGTH = 40
"""Hexadecimal digits, 160 bits of them; Zoho takes tokens of at most 50 characters."""


def path_token(secret: str) -> str:
    """The last part of the address that deliveries go to."""
    return _derived(secret, "path")


def token(secret: str) -> str:
    """What a delivery shows beside its address."""
    return _derived(secret, "token")


def address(secret: Secret) -> str:
    """Where deliveries go, by the first of the live webhook secrets."""
    return f"{secret.url.rstrip('/')}/{path_token(secret.webhook_secrets[0])}"


def verify(request: Request, secret: Secret, _now: datetime) -> None:
    """Raises SignatureInvalid. The body is not looked at before the address is right."""
    keys = [key for key in secret.webhook_secrets if _same(request.channel, path_token(key))]
    if not keys:
        raise SignatureInvalid("the address holds no token of any live secret")
    shown = _shown(request)
    if not any([_same(shown, token(key)) for key in keys]):  # noqa: C419 - in constant time
        raise SignatureInvalid("the token does not belong to any live secret")


def _derived(secret: str, purpose: str) -> str:
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256).hex()[:_LENGTH]


def _same(given: str, right: str) -> bool:
    """In a time that does not tell how much was alike."""
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _shown(request: Request) -> str:
    if header := request.headers.get(TOKEN_HEADER):
        return header
    try:
        told = content(request)
    except PayloadInvalid as fault:
        raise SignatureInvalid("there is no token, and nothing that could hold one") from fault
    found = told.get(TOKEN_MEMBER) or told.get(SECRET_PARAMETER)
    return found if isinstance(found, str) else ""
