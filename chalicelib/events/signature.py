"""Standard Webhooks, version 1: who may tell a connection of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.core.errors import SignatureInvalid


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Raises ``SignatureInvalid`` unless one of the live secrets signed it within five minutes.

    The body is UTF-8. The library reads the time by itself, and takes 300 seconds on both sides.
    """
    given = dict(headers)
    if not any(_is_signed(body, given, secret) for secret in secrets):
        raise SignatureInvalid("the signature does not match, or its time is over 5 minutes away")


def _is_signed(body: bytes, headers: dict[str, str], secret: str) -> bool:
    webhook = Webhook(secret)
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # the latter for a header out of shape
        return False
    return True
