"""Keys of the Points API: ``emk_<id>_<secret>``, in a header ``Authorization: Bearer``.

The id finds the key, the secret proves it. What is kept of the secret is its SHA-256, without a
salt and without repetition: it is 256 bits of chance, so there is no list to try that a slow hash
would make dearer; and a slow one would be paid for at every request, also at a guess.

>>> from datetime import UTC
>>> text, key = make("shop", ("points:read",), datetime(2026, 3, 21, tzinfo=UTC))
>>> presented = parse(f"Bearer {text}")
>>> presented.id == key.id, is_right(presented, key), parse("Bearer emk_x_y")
(True, True, None)

Source: the GitHub and Stripe forms of API keys (a prefix that secret scanners know); RFC 6750.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from chalicelib.core.api_keys import ApiKey, Scope
from chalicelib.core.errors import Rejected

PREFIX = "emk"
SECRET_BYTES = 32
_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_FORM = re.compile(
    rf"(?i:Bearer) +{PREFIX}_([a-z0-9]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})", re.ASCII
)
_NOBODYS = "0" * 64


class KeyRefused(Rejected):
    """None, no key of this connection, or one that was taken back: which, is not told."""

    status = 401

    def __init__(self) -> None:
        super().__init__("send a key of this connection, as Authorization: Bearer emk_…")


class ScopeMissing(Rejected):
    status = 403

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this key has no scope {scope}")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a caller has shown; a ``repr`` never shows the secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Presented({self.id})"


def make(name: str, scopes: Sequence[Scope], now: datetime) -> tuple[str, ApiKey]:
    """The text to hand out once, and what is kept of it."""
    identity = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(identity, name, _digest(secret), tuple(scopes), now)
    return f"{PREFIX}_{identity}_{secret}", key


def parse(authorization: str) -> Presented | None:
    """Of the value of the header; None for anything that is no key."""
    found = _FORM.fullmatch(authorization)
    return Presented(*found.groups()) if found else None


def is_right(presented: Presented, key: ApiKey | None) -> bool:
    """In the same time whether there is such a key or not."""
    kept = key.digest if key else _NOBODYS
    matches = hmac.compare_digest(_digest(presented.secret), kept)
    return matches and key is not None and key.revoked_at is None


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
