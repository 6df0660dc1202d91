"""What a change of one record means, whichever way it was told.

It leads to a look at the record and no further, and so it has no time: an Outbound Message proves
nothing of what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.core.connector import Connection, Event, EventType
from chalicelib.core.model import Ref
from connectors.salesforce.ids import full
from connectors.salesforce.objects import KINDS, pointed_at

OTHER_ORGANISATION = "event of another organisation"
"""Name of an event that is counted and dropped: rightly sent, but not of this account."""


@dataclass(frozen=True, slots=True)
class Change:
    """``values`` are those of the record's fields that were told along."""

    object: str
    identity: str
    name: str
    key: str
    type: EventType = EventType.CHANGED
    ours: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def events(change: Change, connection: Connection) -> Iterator[Event]:
    """Of the record itself, or of those whom it names where we keep none of its kind."""
    kind, identity = KINDS.get(change.object), full(change.identity)
    if kind and identity:
        ref = Ref(connection.id, kind, identity)
        yield Event(change.type, ref, None, change.name, ours=change.ours, key=change.key)
        return
    named = list(pointed_at(change.object, change.values))
    for named_kind, one in named:
        yield Event(
            EventType.CHANGED,
            Ref(connection.id, named_kind, one),
            None,
            change.name,
            key=f"{change.key}|{one}",
        )
    if not named:
        yield unknown(change.name, change.key)


def unknown(name: str, key: str) -> Event:
    return Event(EventType.UNKNOWN, None, None, name, key=key)
