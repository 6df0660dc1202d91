"""Secrets Manager: one secret per connection, as JSON, cached for a minute."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import client
from chalicelib.core.connector import OAuthGrant, Secret, WebhookEndpoint
from chalicelib.core.errors import ConfigurationError, Retryable, UnknownConnection
from chalicelib.core.model import CONNECTION_ID

TTL_SECONDS = 60.0
UNKNOWN_SECONDS = 10.0
FRESH_SECONDS = 1.0
UNKNOWN_KEPT = 256

# A secret that an admin has scheduled for deletion answers as an invalid request.
_ABSENT = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


def secret_name(stage: str, connection: str) -> str:
    return f"emtiaz/{stage}/{connection}"


def to_text(secret: Secret) -> str:
    """What the secret of a connection holds; ``from_text`` reads it."""
    return json.dumps(asdict(secret))


def from_text(text: str) -> Secret:
    """Raises ``ConfigurationError``, which does not quote the text."""
    try:
        held = json.loads(text)
        return Secret(
            url=_text(held["url"]),
            webhook_secrets=_texts(held["webhook_secrets"]),
            token=_text(held["token"]),
            signatures=_texts(held.get("signatures", ())),
            oauth=_grant(held.get("oauth")),
            events_secrets=_texts(held.get("events_secrets", ())),
            outgoing=tuple(map(_endpoint, held.get("outgoing", ()))),
            certificates=_texts(held.get("certificates", ())),
        )
    except (ValueError, TypeError, AttributeError, LookupError):
        raise ConfigurationError(
            "a connection's secret must be JSON with url, webhook_secrets and token"
        ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(values: Any) -> tuple[str, ...]:
    """None of them empty: an empty secret would be known to everybody."""
    if isinstance(values, str) or not all(values):
        raise TypeError
    return tuple(_text(one) for one in values)


def _endpoint(held: Any) -> WebhookEndpoint:
    return WebhookEndpoint(_text(held["id"]), _text(held["url"]), _texts(held["secrets"]))


def _grant(held: Any) -> OAuthGrant | None:
    if held is None:
        return None
    return OAuthGrant(*(_text(held[field.name]) for field in fields(OAuthGrant)))


class SecretsManagerSecrets:
    """``seconds`` is a clock that never goes back; its client is created on first use.

    Anybody can ask receive for any connection, and a forged signature makes it ask for a fresh
    secret. So unknown names are remembered too, in bounded number, and what was fetched within
    the last second counts as fresh.
    """

    def __init__(self, stage: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._stage = stage
        self._seconds = seconds
        self._known: dict[str, tuple[float, Secret]] = {}
        self._unknown: OrderedDict[str, float] = OrderedDict()

    @cached_property
    def client(self) -> Any:
        return client("secretsmanager")

    def get(self, connection: str, *, fresh: bool = False) -> Secret:
        now = self._seconds()
        self._refuse_unknown(connection, now, FRESH_SECONDS if fresh else UNKNOWN_SECONDS)
        fetched_at, secret = self._known.get(connection, (0.0, None))
        if secret and now - fetched_at < (FRESH_SECONDS if fresh else TTL_SECONDS):
            return secret
        secret = self._fetch(connection, now)
        self._known[connection] = (now, secret)
        return secret

    def replace(self, connection: str, secret: Secret) -> None:
        """Kept when this returns; other processes hear of it when what they remember is old."""
        name, text = secret_name(self._stage, connection), to_text(secret)
        try:
            self.client.put_secret_value(SecretId=name, SecretString=text)
        except (ClientError, BotoCoreError) as error:
            raise Retryable(f"Secrets Manager: {error}") from error
        self._known[connection] = (self._seconds(), secret)

    def _refuse_unknown(self, connection: str, now: float, seconds: float) -> None:
        asked_at = self._unknown.get(connection)
        recently = asked_at is not None and now - asked_at < seconds
        if recently or not CONNECTION_ID.fullmatch(connection):
            raise UnknownConnection(f"no connection {connection!r}")

    def _fetch(self, connection: str, now: float) -> Secret:
        try:
            answer = self.client.get_secret_value(SecretId=secret_name(self._stage, connection))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise Retryable(f"Secrets Manager: {error}") from error
            self._remember_unknown(connection, now)
            raise UnknownConnection(f"no connection {connection!r}") from None
        except BotoCoreError as error:
            raise Retryable(f"Secrets Manager: {error}") from error
        return from_text(answer["SecretString"])

    def _remember_unknown(self, connection: str, now: float) -> None:
        self._known.pop(connection, None)
        self._unknown[connection] = now
        self._unknown.move_to_end(connection)
        if len(self._unknown) > UNKNOWN_KEPT:
            self._unknown.popitem(last=False)
