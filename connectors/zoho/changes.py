"""Walking through the records that changed since an instant, without notifications.

The walk never uses an offset: each page asks anew for what has the time of the last record seen,
or a later one, so a record that changes meanwhile moves behind the walk's position, where it is
met again, and pulls no other past it. A page on which nothing but one time stands would be asked
for for ever: from there on the walk goes by id, which no two records share.

One walk follows another: for each kind of record by its time of change, for persons by each field
that holds the last time of something, for what was done with them, and for what was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self, cast

from chalicelib.core.facts import canonical, iso, parse_instant
from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors._json_values import instant
from connectors.zoho import coql
from connectors.zoho.api import FIRST, MOST_ROWS, ROWS, ZohoApi
from connectors.zoho.coql import Selection
from connectors.zoho.records import (
    DOINGS,
    MODIFIED,
    MODULES,
    PERSONS,
    Record,
    doings,
    last_times,
    lookup,
)
from connectors.zoho.reference_data import Modules

Walk = Literal["changed", "done", "deleted"]

Stream = tuple[Walk, str, str]
"""How a module is walked: its name, and the field by which."""

_KINDS: dict[str, Kind] = {module: kind for kind, module in MODULES.items()}


@dataclass(frozen=True, slots=True)
class Position:
    """``streams`` are still to be walked, the first of them from ``at`` on.

    ``beyond`` is the last id seen where the walk goes by id, and "0" where it has just begun to;
    of what was deleted it is the place of the page.
    """

    streams: tuple[Stream, ...]
    since: datetime
    at: datetime
    beyond: str | None = None

    @classmethod
    def from_text(cls, cursor: str) -> Self:
        row = json.loads(cursor)
        streams = tuple((cast(Walk, walk), module, name) for walk, module, name in row["todo"])
        since, at = parse_instant(row["since"]), parse_instant(row["at"])
        return cls(streams, since, at, row.get("beyond"))

    def to_text(self) -> str:
        row = {"todo": self.streams, "since": iso(self.since), "at": iso(self.at)}
        return canonical(row | ({"beyond": self.beyond} if self.beyond else {}))

    @property
    def most(self) -> int:
        """Rows of the next page: of the first no more than come for one credit."""
        is_first = self.beyond is None and self.at == self.since
        return ROWS if is_first else MOST_ROWS

    def where(self) -> str:
        _, _, name = self.streams[0]
        dated = f"{name} >= {coql.instant(self.at)}"
        if self.beyond is None:
            return dated
        return f"({dated} and id > {coql.text(self.beyond)})"

    def following(self) -> Position | None:
        """At the beginning of the next stream."""
        left = self.streams[1:]
        return Position(left, self.since, self.since) if left else None

    def after(self, rows: Sequence[Record]) -> Position | None:
        """Where to go on; None at the end of the last stream."""
        if len(rows) < self.most:
            return self.following()
        last = rows[-1]
        if self.beyond is not None:
            return replace(self, beyond=str(last["id"]))
        _, _, name = self.streams[0]
        at = instant(last.get(name))
        if at is None or parse_instant(at) <= self.at:
            return replace(self, beyond="0")
        return replace(self, at=parse_instant(at))


def streams(
    modules: Modules, kinds: Sequence[Kind], attributes: Sequence[Attribute]
) -> tuple[Stream, ...]:
    """Of the modules that the organisation has; contacts, it has."""
    there = [kind for kind in kinds if kind == "contact" or modules.optional(MODULES[kind])]
    persons = [kind for kind in there if kind in PERSONS]
    changed: list[Stream] = [("changed", MODULES[kind], MODIFIED) for kind in there]
    times: list[Stream] = [
        ("changed", MODULES[kind], name)
        for kind in persons
        for name in last_times(kind, attributes)
        if _is_instant(modules, MODULES[kind], name)
    ]
    done: list[Stream] = [
        ("done", module, MODIFIED)
        for module in doings("contact", attributes)
        if module in DOINGS and DOINGS[module]["contact"] in modules.optional(module)
    ]
    deleted: list[Stream] = [("deleted", MODULES[kind], MODIFIED) for kind in persons]
    return (*changed, *times, *done, *deleted)


def page(api: ZohoApi, position: Position) -> tuple[list[tuple[Kind, str]], Position | None]:
    """Kinds and ids of what changed, and where to go on."""
    walk, module, name = position.streams[0]
    if walk == "deleted":
        return _deleted(api, position)
    who = DOINGS[module]["contact"] if walk == "done" else ""
    selection = Selection(api, module, [name, who] if who else [name])
    order = f"{name}, id" if position.beyond is None else "id"
    rows = selection.first(position.where(), order, position.most)
    if who:
        contacts = dict.fromkeys(filter(None, (lookup(row, who) for row in rows)))
        return [("contact", one) for one in contacts], position.after(rows)
    return [(_KINDS[module], str(row["id"])) for row in rows], position.after(rows)


def _deleted(api: ZohoApi, position: Position) -> tuple[list[tuple[Kind, str]], Position | None]:
    _, module, _ = position.streams[0]
    rows, place = api.deleted(module, "all", position.beyond or FIRST, position.since)
    following = replace(position, beyond=place) if place else position.following()
    return [(_KINDS[module], str(row["id"])) for row in rows], following


def _is_instant(modules: Modules, module: str, name: str) -> bool:
    field = modules.optional(module).get(name)
    return field is not None and field["data_type"] == "datetime"
