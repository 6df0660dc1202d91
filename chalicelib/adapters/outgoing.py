"""Signed webhooks, EventBridge and SES: what announcements leave by beside the CRM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
)
from botocore.exceptions import (
    ConnectionError as NotConnected,
)

from chalicelib.adapters.aws import client
from chalicelib.core.connector import WebhookEndpoint
from chalicelib.core.errors import InDoubt, Parked, Retryable
from chalicelib.core.model import Json
from chalicelib.core.outgoing import Answer

SOURCE = "emtiaz"
LONGEST_SUBJECT = 78
"""Letters of a mail's subject, by RFC 5322 the length of a line."""

_THROTTLED = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "LimitExceededException"}
)


class Line(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


class SignedWebhooks:
    """Standard Webhooks, version 1: signed with every live secret, the newest first."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def send(self, endpoint: WebhookEndpoint, id_: str, body: bytes, at: datetime) -> Answer:
        headers = {"content-type": "application/json", "user-agent": "Emtiaz"}
        return self._line.post(endpoint.url, headers | signature(endpoint, id_, body, at), body)


def signature(endpoint: WebhookEndpoint, id_: str, body: bytes, at: datetime) -> dict[str, str]:
    """The three headers of the specification."""
    from standardwebhooks import Webhook

    signed = (Webhook(secret).sign(id_, at, body.decode()) for secret in endpoint.secrets)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }


class EventBridgeBus:
    """Its client is created on first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def client(self) -> Any:
        return client("events")

    def put(self, kind: str, detail: Mapping[str, Json]) -> None:
        """EventBridge answers 200 for what it did not take."""
        entry = {
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail, ensure_ascii=False),
            "EventBusName": self._name,
        }
        try:
            answer = self.client.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as error:
            raise Retryable(f"EventBridge: {error}") from error
        if answer.get("FailedEntryCount"):
            (failed,) = answer["Entries"]
            raise Retryable(f"EventBridge: {failed.get('ErrorCode')} {failed.get('ErrorMessage')}")


class SesMailer:
    """Sends from one verified address; its client is created on first use."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    @cached_property
    def client(self) -> Any:
        # Once and no more: the SDK would send again what was not answered.
        return client("sesv2", attempts=1)

    def send(self, address: str, subject: str, text: str) -> None:
        try:
            self.client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [address]},
                Content={"Simple": _message(subject, text)},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _THROTTLED:
                raise Retryable(f"SES: {error}") from error
            raise Parked(f"SES: {error}") from error
        except (NotConnected, NoCredentialsError) as error:
            raise Retryable(f"SES: {error}") from error
        except BotoCoreError as error:
            raise InDoubt(f"in doubt: SES did not answer: {error}") from error


def _message(subject: str, text: str) -> dict[str, Any]:
    line = " ".join(subject.split())[:LONGEST_SUBJECT]
    return {
        "Subject": {"Data": line, "Charset": "UTF-8"},
        "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
    }
