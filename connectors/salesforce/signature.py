"""Who sent it: each way in has a proof of its own, made of the connection's one webhook secret.

=================  =========================  ===============================================
way in             address                    proof
=================  =========================  ===============================================
Outbound Message   ``…/{path_token}``         the address, which is made for one organisation
Flow or Apex       ``…/flow``                 HMAC-SHA256 of time and body
Change Data        none: a rule of the        nobody else can send to a partner's event bus
Capture            account's own
=================  =========================  ===============================================

Salesforce does not sign Outbound Messages. Who knows the address can send anything in the name of
the organisation that it is made for, and of no other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import SignatureInvalid
from connectors.salesforce.ids import SHORT, full

FLOW = "flow"
"""The channel of callouts."""

TIMESTAMP_HEADER = "x-emtiaz-timestamp"
SIGNATURE_HEADER = "x-emtiaz-signature"
VERSION = "v1"
WINDOW = timedelta(minutes=5)

_LENGTH = 40
"""Hexadecimal digits, 160 bits of them."""

_ORGANISATION = re.compile(rb"<(?:\w{1,20}:)?OrganizationId>\s{0,10}([A-Za-z0-9]{15,18})\s{0,10}<")


def path_token(secret: str, organisation: str) -> str:
    """The last part of the address for Outbound Messages of one organisation.

    >>> path_token("s", "00DWs000004ExA1") == path_token("s", "00DWs000004ExA1MAK")
    True
    """
    purpose = f"outbound:{organisation[:SHORT]}".encode()
    return hmac.digest(secret.encode(), purpose, hashlib.sha256).hex()[:_LENGTH]


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """The value of ``X-Emtiaz-Signature``; ``timestamp`` is in seconds since 1970.

    >>> sign(b"{}", "1790756093", "secret")
    'v1=ccca1c36f92698af9bc1da6b6c35b5e06a9e7e9acd91dfb23438f915930f2230'
    """
    message = timestamp.encode() + b"." + body
    return f"{VERSION}={hmac.digest(secret.encode(), message, hashlib.sha256).hex()}"


def verify(request: Request, secret: Secret, now: datetime) -> None:
    """Raises SignatureInvalid."""
    if request.channel == FLOW:
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        _check_time(timestamp, now)
        given = request.headers.get(SIGNATURE_HEADER, "")
        right = [sign(request.body, timestamp, key) for key in secret.webhook_secrets]
    else:
        organisation = _organisation(request.body)
        given = request.channel
        right = [path_token(key, organisation) for key in secret.webhook_secrets]
    _check(given, right)


def _organisation(body: bytes) -> str:
    """As the body has it, which nobody has parsed yet."""
    found = _ORGANISATION.search(body)
    identity = found[1].decode() if found else ""
    if not identity or identity not in (full(identity), full(identity)[:SHORT]):
        raise SignatureInvalid("no organisation is named")
    return identity


def _check(given: str, right: list[str]) -> None:
    """Compare with every one of them, in a time that does not tell how much was alike."""
    told = given.encode(errors="replace")
    if not any([hmac.compare_digest(one.encode(), told) for one in right]):  # noqa: C419
        raise SignatureInvalid("it was not made with any live secret")


def _check_time(timestamp: str, now: datetime) -> None:
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is missing or not in seconds")
    sent = timedelta(seconds=int(timestamp))
    if abs(now - datetime.fromtimestamp(0, UTC) - sent) > WINDOW:
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is more than {WINDOW} away")
