"""Walking through the records that changed since an instant, without being told of them.

Each object is walked by ``SystemModstamp`` and then by id, which no two records share, and each
page asks anew for what comes after the last record seen: a record that changes meanwhile moves
behind the walk's position, where it is met again, and pulls no other past it. Five objects are
walked in one call. What was deleted, merged or undeleted is met like anything else.

A meeting changes by itself once it is over, which no stamp of it tells: meetings are walked by
their end as well, as far as now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from chalicelib.core.connector import Connection
from chalicelib.core.facts import canonical, parse_instant
from chalicelib.core.model import Ref
from connectors.salesforce.api import QUERIES
from connectors.salesforce.ids import full
from connectors.salesforce.objects import KINDS, ORDER, POINTERS, pointed_at
from connectors.salesforce.orders import people_of
from connectors.salesforce.records import ID, MODIFIED, Record
from connectors.salesforce.soql import Query, literal, moment, select

PAGE = 2_000

ENDS: Mapping[str, str] = {"Event": "EndDateTime"}
"""The field that tells when a record is over, of those that change by that alone."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Of one object, from ``at`` on; ``beyond`` is the last id seen of that instant.

    The field ``by`` tells where each record stands in it.
    """

    object: str
    at: datetime
    beyond: str = ""
    by: str = MODIFIED

    @property
    def fields(self) -> tuple[str, ...]:
        return (ID, self.by, *POINTERS.get(self.object, ()))

    def query(self, fields: Sequence[str], now: datetime) -> Query:
        order = f"ORDER BY {self.by}, {ID} LIMIT {PAGE}"
        asked = select(fields, self.object, self._where(now), everything=True)
        return replace(asked, text=f"{asked.text} {order}")

    def after(self, rows: Sequence[Record]) -> Walk | None:
        """Where to go on; None at the end."""
        if len(rows) < PAGE:
            return None
        last = rows[-1]
        reached = parse_instant(_iso(str(last[self.by])))
        return replace(self, at=reached, beyond=full(last[ID]))

    def _where(self, now: datetime) -> str:
        begins = moment(self.at)
        where = f"{self.by} >= {begins}"
        if self.beyond:
            same = f"({self.by} = {begins} AND {ID} > {literal(self.beyond)})"
            where = f"({self.by} > {begins} OR {same})"
        return where if self.by == MODIFIED else f"{where} AND {self.by} <= {moment(now)}"


@dataclass(frozen=True, slots=True)
class Position:
    """The walks that are under way or still to come, the first five of them next."""

    walks: tuple[Walk, ...]

    @classmethod
    def from_text(cls, cursor: str) -> Self:
        """Of an earlier version's, which says no ``by``, as well."""
        rows = json.loads(cursor)
        return cls(tuple(Walk(name, parse_instant(at), *rest) for name, at, *rest in rows))

    def to_text(self) -> str:
        return canonical([[one.object, moment(one.at), one.beyond, one.by] for one in self.walks])

    @property
    def next(self) -> tuple[Walk, ...]:
        return self.walks[:QUERIES]

    def among(self, is_there: Callable[[Walk], bool]) -> Position:
        """Without what is hidden from us, maybe since a page ago."""
        return Position(tuple(filter(is_there, self.walks)))

    def after(self, pages: Sequence[Sequence[Record]]) -> Position | None:
        """None at the end of all walks."""
        under_way = [one.after(rows) for one, rows in zip(self.next, pages, strict=True)]
        walks = (*filter(None, under_way), *self.walks[QUERIES:])
        return Position(walks) if walks else None


def refs(name: str, rows: Sequence[Record], connection: Connection) -> Iterator[Ref]:
    """The records themselves, or those whom they name."""
    for row in rows:
        if kind := KINDS.get(name):
            yield Ref(connection.id, kind, full(row[ID]))
        for kind, identity in pointed_at(name, row):
            yield Ref(connection.id, kind, identity)
    for identity in people_of(rows) if name == ORDER else ():
        yield Ref(connection.id, "contact", identity)


def _iso(text: str) -> str:
    """Salesforce writes ``+0000`` for the zone."""
    return text[:-2] + ":" + text[-2:] if text[-5:-4] in ("+", "-") else text
