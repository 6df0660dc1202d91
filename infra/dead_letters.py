"""Looking at dead letters, and moving them back.

Done message by message, since ``StartMessageMoveTask`` is not everywhere, and since letters
of a FIFO queue need fresh deduplication ids: within five minutes SQS would swallow the old.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3

from chalicelib.adapters.queue import SqsQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10

PEEK_SECONDS = 10
"""How long letters that were looked at stay hidden from the next look."""

MOVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A dead-letter queue and the one that it belongs to, by URL."""

    name: str
    url: str
    home: str

    def count(self) -> int:
        answer = boto3.client("sqs").get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """``body`` is the message as it was queued: references, or a delivery in base64."""

    queue: str
    id: str
    sent_at: datetime
    body: str


def peek(queue: DeadLetters) -> tuple[DeadLetter, ...]:
    return tuple(_letter(queue, message) for message in _receive(queue, PEEK_SECONDS))


def move_back(queue: DeadLetters) -> int:
    """Returns how many; a letter leaves only after its home queue has taken it."""
    sqs, home = boto3.client("sqs"), SqsQueue(queue.home)
    moved = 0
    for message in _receive(queue, MOVE_SECONDS):
        home.send([json.loads(message["Body"])])
        sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved


def _receive(queue: DeadLetters, hidden_seconds: int) -> Iterator[MessageTypeDef]:
    """Each letter once: a long look ends when the first ones come out of hiding."""
    seen: set[str] = set()
    while messages := _receive_batch(queue, hidden_seconds):
        for message in messages:
            if message["MessageId"] in seen:
                return
            seen.add(message["MessageId"])
            yield message


def _receive_batch(queue: DeadLetters, hidden_seconds: int) -> list[MessageTypeDef]:
    answer = boto3.client("sqs").receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=hidden_seconds,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    return answer.get("Messages", [])


def _letter(queue: DeadLetters, message: MessageTypeDef) -> DeadLetter:
    sent = int(message.get("Attributes", {}).get("SentTimestamp", "0")) / 1000
    return DeadLetter(
        queue=queue.name,
        id=message["MessageId"],
        sent_at=datetime.fromtimestamp(sent, UTC),
        body=message["Body"],
    )
