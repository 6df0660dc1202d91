"""Walking through the records that changed since an instant, without webhooks.

HubSpot's search gives no more than 10,000 results, by offset. This walk never uses an offset:
each page asks anew for what has the date of the last record seen, or a later one. So no result
lies beyond the 10,000th, and a record that changes meanwhile moves behind the walk's position,
where it is met again, and pulls no other past it. A page on which nothing but one date stands
would be asked for for ever: from there on the walk goes by id, which no two records share.

One walk follows another: for each kind of record by its modified date, then for contacts by
each property that holds the last time of some activity, since HubSpot computes those, and a
computed property need not move the modified date. When mails were sent is left out: a mailing would
bring everybody, of whom it says nothing before they click.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self, cast

from chalicelib.core.facts import canonical, iso, parse_instant
from chalicelib.core.model import Kind
from connectors._values import instant
from connectors.hubspot.api import Filter, HubSpotApi, Matches
from connectors.hubspot.records import MODIFIED, OBJECT_TYPES

RECORD_ID = "hs_object_id"
_EPOCH = parse_instant("1970-01-01T00:00:00Z")

Stream = tuple[Kind, str]
"""A kind of record and the date property that it is walked by."""


@dataclass(frozen=True, slots=True)
class Position:
    """``streams`` are still to be walked, the first of them from ``at`` on.

    ``beyond`` is the last id seen where the walk goes by id, and "0" where it has just begun to.
    """

    streams: tuple[Stream, ...]
    at: datetime
    beyond: str | None = None

    @classmethod
    def from_text(cls, cursor: str) -> Self:
        row = json.loads(cursor)
        streams = tuple((cast(Kind, kind), name) for kind, name in row["todo"])
        return cls(streams, parse_instant(row["at"]), row.get("beyond"))

    def to_text(self) -> str:
        row = {"todo": self.streams, "at": iso(self.at)}
        return canonical(row | ({"beyond": self.beyond} if self.beyond else {}))

    @property
    def stream(self) -> Stream:
        return self.streams[0]

    def filters(self) -> Sequence[Filter]:
        _, name = self.stream
        milliseconds = (self.at - _EPOCH) // timedelta(milliseconds=1)
        dated = Filter(propertyName=name, operator="GTE", value=str(milliseconds))
        if self.beyond is None:
            return [dated]
        return [dated, Filter(propertyName=RECORD_ID, operator="GT", value=self.beyond)]

    def after(self, found: Matches, since: datetime) -> Position | None:
        """Where to go on; None at the end of the last stream."""
        if not found.more or not found.records:
            following = self.streams[1:]
            return Position(following, since) if following else None
        last = found.records[-1]
        if self.beyond is not None:
            return replace(self, beyond=last["id"])
        _, name = self.stream
        at = instant(last["properties"].get(name))
        if at is None or parse_instant(at) <= self.at:
            return replace(self, beyond="0")
        return replace(self, at=parse_instant(at))


def streams(api: HubSpotApi, kinds: Iterable[Kind], activity_fields: Sequence[str]) -> list[Stream]:
    """``activity_fields`` that hold no instants, such as counters, cannot be walked by."""
    by_change: list[Stream] = [(kind, MODIFIED[kind]) for kind in kinds]
    if not activity_fields:
        return by_change
    types = {one["name"]: one["type"] for one in api.properties(OBJECT_TYPES["contact"])}
    instants = [name for name in activity_fields if types.get(name) == "datetime"]
    return by_change + [("contact", name) for name in instants]


def search(api: HubSpotApi, position: Position) -> Matches:
    kind, name = position.stream
    sort = name if position.beyond is None else RECORD_ID
    return api.search(OBJECT_TYPES[kind], position.filters(), sort)
