"""SQS, standard and FIFO. Receive imports this module, so it stays clear of the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import client
from chalicelib.adapters.batches import batches
from chalicelib.core.errors import Retryable
from chalicelib.core.model import Json

BATCH_MESSAGES = 10
BATCH_BYTES = 1024 * 1024

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsQueue:
    """Messages of one connection form a group: ordered in a FIFO queue, and in a standard one
    served fairly beside the other connections. Its client is created on first use.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def client(self) -> Any:
        return client("sqs")

    def send(self, messages: Sequence[Mapping[str, Json]], *, delay_seconds: int = 0) -> None:
        entries = [self._entry(message) for message in messages]
        for batch in batches(entries, count=BATCH_MESSAGES, size=BATCH_BYTES, measure=_size):
            self._send_batch(batch, delay_seconds)

    def postpone(self, receipt: str, seconds: int) -> None:
        """Raises ``Retryable``; the message then comes back after the queue's own timeout."""
        self._call("change_message_visibility", ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def acknowledge(self, receipts: Sequence[str]) -> None:
        for batch in batches(receipts, count=BATCH_MESSAGES, size=BATCH_BYTES, measure=len):
            entries = [{"Id": str(place), "ReceiptHandle": one} for place, one in enumerate(batch)]
            self._call("delete_message_batch", Entries=entries)

    def backlog(self) -> int:
        answer = self._call("get_queue_attributes", AttributeNames=list(_COUNTS))
        return sum(int(answer["Attributes"].get(name, 0)) for name in _COUNTS)

    def _entry(self, message: Mapping[str, Json]) -> dict[str, str]:
        # Left in ASCII: SQS refuses some characters that JSON allows, and none that it escapes.
        body = json.dumps(message, separators=(",", ":"))
        entry = {"MessageBody": body, "MessageGroupId": str(message["connection"])}
        return entry | ({"MessageDeduplicationId": _ulid()} if self.is_fifo else {})

    @property
    def is_fifo(self) -> bool:
        return self.url.endswith(".fifo")

    def _send_batch(self, batch: list[dict[str, str]], delay_seconds: int) -> None:
        delay = {"DelaySeconds": delay_seconds} if delay_seconds else {}
        entries = [{"Id": str(index), **entry, **delay} for index, entry in enumerate(batch)]
        failed = self._call("send_message_batch", Entries=entries).get("Failed", [])
        if failed:
            codes = ", ".join(sorted({entry["Code"] for entry in failed}))
            raise Retryable(f"SQS refused {len(failed)} of {len(batch)} messages: {codes}")

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(QueueUrl=self.url, **arguments)
        except (ClientError, BotoCoreError) as error:
            raise Retryable(f"SQS: {error}") from error


def _size(entry: Mapping[str, str]) -> int:
    return len(entry["MessageBody"])  # ASCII, so characters are bytes


def _ulid() -> str:
    # A deduplication id of the content would swallow a second ring within five minutes.
    from ulid import ULID

    return str(ULID())
