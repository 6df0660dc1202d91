"""What travels in the queues, as JSON and as values."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from math import ceil
from typing import Any, TypeVar, cast

from chalicelib.core.connector import BUS, Request
from chalicelib.core.errors import DeliveryUnreadable
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Ref

REFS_PER_MESSAGE = 100
EVENTS_PER_MESSAGE = 100

EVENT_BYTES = 900_000
"""Of the events of one message as it travels, in ASCII; a message may have a megabyte."""

LONGEST_WAIT = 15 * 60

T = TypeVar("T")


class Reason(StrEnum):
    """Why refs are in the intake queue, which decides what is done for them."""

    READ = "read"  # read the CRM again: a delivery taken apart
    COLLECT = "collect"  # read the CRM and keep the facts, but publish nothing yet
    RESCORE = "rescore"  # a new policy or model: score from stored facts
    SWEEP = "sweep"  # the card is due: score from stored facts
    REWRITE = "rewrite"  # score from stored facts and write all of it again
    DELIVER = "deliver"  # others are to get what they are owed
    RECONCILE = "reconcile"  # read what no webhook tells, and what a lost one would have told
    EVENTS = "events"  # shops and apps tell of them, by their own truth
    ERASE = "erase"  # a person asked to be forgotten

    @property
    def reads_crm(self) -> bool:
        return self in {Reason.READ, Reason.COLLECT, Reason.RECONCILE}

    @property
    def reads_history(self) -> bool:
        """Whether past values are read too, which costs twice the calls."""
        return self in {Reason.COLLECT, Reason.RECONCILE}


@dataclass(frozen=True, slots=True)
class Told:
    """A record that rang, and what its CRM told of it; None where it told nothing.

    ``changed_at`` is when the record itself changed, so a reading that is older is not yet the
    truth. ``seen_at`` and ``deleted_at`` are when it last was certainly there, and deleted.
    ``into`` is the record that it was merged into.
    """

    ref: Ref
    changed_at: datetime | None = None
    seen_at: datetime | None = None
    deleted_at: datetime | None = None
    into: Ref | None = None

    def and_also(self, other: Told) -> Told:
        """What both tell of the same record."""
        return Told(
            self.ref,
            _later(self.changed_at, other.changed_at),
            _later(self.seen_at, other.seen_at),
            _later(self.deleted_at, other.deleted_at),
            other.into or self.into,
        )

    @property
    def is_deleted(self) -> bool:
        """Whether the last that was told is that it is gone."""
        return self.deleted_at is not None and self.deleted_at >= (self.seen_at or self.deleted_at)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as the queue hands it over; ``receives`` counts from 1."""

    id: str
    receipt: str
    receives: int
    body: Mapping[str, Json]

    @property
    def connection(self) -> str:
        return str(self.body.get("connection", ""))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Envelope:
        """From one of the ``Records`` that SQS hands to Lambda.

        A body that is no JSON object, which nobody but a person can have sent, is kept as it
        is under ``unreadable``.
        """
        return cls(
            id=record["messageId"],
            receipt=record["receiptHandle"],
            receives=int(record["attributes"]["ApproximateReceiveCount"]),
            body=_json_object(record["body"]),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """A message to bring back, after ``retry_after`` seconds if that is known.

    ``grows`` makes it wait longer each time that it comes back.
    """

    envelope: Envelope
    retry_after: float | None = None
    grows: bool = True

    @property
    def wait_seconds(self) -> int:
        """Twice as long each time up to a quarter of an hour, and never less than asked for."""
        back_off = 1 << min(self.envelope.receives, 10) if self.grows else 1
        return min(LONGEST_WAIT, max(ceil(self.retry_after or 0), back_off))


def _json_object(text: str) -> dict[str, Json]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):  # or its whole batch would come back, for ever and again
        body = None
    return body if isinstance(body, dict) else {"unreadable": text}


def delivery_message(
    delivery: str, connection: str, request: Request, received_at: datetime
) -> dict[str, Json]:
    """A verified delivery, raw: what a parser gets wrong can be parsed again after the fix."""
    return {
        "delivery": delivery,
        "connection": connection,
        "received_at": iso(received_at),
        "channel": request.channel,
        "headers": {"content-type": request.headers.get("content-type", "")},
        "body_b64": base64.b64encode(request.body).decode("ascii"),
    }


def events_messages(
    delivery: str, connection: str, items: Iterable[Mapping[str, Json]], received_at: datetime
) -> list[dict[str, Json]]:
    """What shops and apps told, by its own truth; one message, or more where it is very long."""
    head = {"delivery": delivery, "connection": connection, "received_at": iso(received_at)}
    cut: list[list[Json]] = [[]]
    size = 0
    for item in items:
        length = len(json.dumps(item))
        if cut[-1] and (size + length > EVENT_BYTES or len(cut[-1]) == EVENTS_PER_MESSAGE):
            cut.append([])
            size = 0
        cut[-1].append(dict(item))
        size += length
    return [{**head, "events": rows} for rows in cut if rows]


def is_delivery(body: Mapping[str, Json]) -> bool:
    """Whether it is to be parsed: a request, or the ``event`` of a bus, which a rule queues."""
    return "body_b64" in body or "event" in body


def delivered_request(body: Mapping[str, Json]) -> Request:
    """Raises ``DeliveryUnreadable``."""
    if "event" in body:
        return Request("POST", "", {}, json.dumps(body["event"]).encode(), BUS)
    try:
        raw = base64.b64decode(str(body["body_b64"]), validate=True)
    except (KeyError, binascii.Error) as error:
        raise DeliveryUnreadable(f"the queued body is damaged: {error}") from error
    headers = cast(Mapping[str, str], body.get("headers", {}))
    return Request("POST", "", headers, raw, str(body.get("channel", "")))


def refs_messages(
    connection: str, refs: Iterable[Ref], reason: Reason | None = None
) -> list[dict[str, Json]]:
    """As many messages as needed; with a reason for the intake queue, without for write-back."""
    messages: list[dict[str, Json]] = [
        {"connection": connection, "refs": [str(ref) for ref in chunk]}
        for chunk in chunks(refs, REFS_PER_MESSAGE)
    ]
    return [message | {"reason": reason.value} for message in messages] if reason else messages


def refs_of(body: Mapping[str, Json]) -> tuple[Ref, ...]:
    """Raises ``DeliveryUnreadable`` for anything but a list of refs of the message's connection."""
    try:
        refs = tuple(Ref.parse(str(ref)) for ref in cast(Sequence[Json], body["refs"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DeliveryUnreadable(f"the queued refs are damaged: {error}") from error
    if any(ref.connection != body.get("connection") for ref in refs):
        raise DeliveryUnreadable("the queued refs belong to another connection")
    return refs


def told_messages(connection: str, told: Sequence[Told], reason: Reason) -> list[dict[str, Json]]:
    """As ``refs_messages``, with what is told of each record in a list beside ``refs``."""
    return [
        message | _columns(rows)
        for rows in chunks(told, REFS_PER_MESSAGE)
        for message in refs_messages(connection, [one.ref for one in rows], reason)
    ]


def told_of(body: Mapping[str, Json]) -> list[Told]:
    """The refs of a message with all that is told of them. Raises ``DeliveryUnreadable``."""
    refs = refs_of(body)
    try:
        columns = {name: read(body.get(name), len(refs)) for name, read in _COLUMNS.items()}
    except (TypeError, ValueError) as error:
        raise DeliveryUnreadable(f"what the queue tells of its refs is damaged: {error}") from error
    return [
        Told(ref, **{name: column[place] for name, column in columns.items()})
        for place, ref in enumerate(refs)
    ]


def _columns(rows: Sequence[Told]) -> dict[str, Json]:
    """Columns of nothing are left out."""
    columns = {name: [_text(getattr(row, name)) for row in rows] for name in _COLUMNS}
    return {name: cast(Json, column) for name, column in columns.items() if any(column)}


def _text(value: datetime | Ref | None) -> str | None:
    if value is None:
        return None
    return iso(value) if isinstance(value, datetime) else str(value)


def _column(read: Callable[[str], T]) -> Callable[[Json, int], list[T | None]]:
    def column(cells: Json, length: int) -> list[T | None]:
        if cells is None:
            return [None] * length
        if not isinstance(cells, list) or len(cells) != length:
            raise ValueError(f"{length} cells are needed")
        return [None if cell is None else read(str(cell)) for cell in cells]

    return column


_COLUMNS: Mapping[str, Callable[[Json, int], list[Any]]] = {
    "changed_at": _column(parse_instant),
    "seen_at": _column(parse_instant),
    "deleted_at": _column(parse_instant),
    "into": _column(Ref.parse),
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A page of a share of the cards, of which a training run is to learn."""

    run: str
    shard: int
    page: int


LEARN = "learn"
"""The reason of such messages, which name no records."""


def lesson_message(connection: str, run: str, shard: int, page: int) -> dict[str, Json]:
    return {"connection": connection, "reason": LEARN, "run": run, "shard": shard, "page": page}


def is_lesson(body: Mapping[str, Json]) -> bool:
    return body.get("reason") == LEARN


def lesson_of(body: Mapping[str, Json]) -> Lesson:
    return Lesson(str(body["run"]), int(str(body["shard"])), int(str(body["page"])))


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
