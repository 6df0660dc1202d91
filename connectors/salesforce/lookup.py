"""What became of the persons whom somebody asks for: there, in the bin, merged or converted.

A merged record lies in the bin and names its master, a converted lead its contact, or the account
that is its person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.core.model import Kind
from connectors.salesforce.ids import full
from connectors.salesforce.records import (
    CONVERTED,
    CONVERTED_CONTACT,
    CONVERTED_PERSON,
    DELETED,
    ID,
    MASTER,
    Record,
    at,
)

LEFT = (CONVERTED, CONVERTED_CONTACT)
"""Of a lead, what ``has_left`` looks at."""

Person = tuple[Kind, str]


@dataclass(slots=True)
class Found:
    """``people`` are records by kind and id; what is in none of the three is not known."""

    people: dict[Person, Record] = field(default_factory=dict)
    moved: dict[Person, Person] = field(default_factory=dict)
    gone: set[Person] = field(default_factory=set)

    def take(self, kind: Kind, rows: Iterable[Record]) -> None:
        for row in rows:
            person = (kind, full(row[ID]))
            if into := _successor(kind, row):
                self.moved[person] = into
            elif row.get(DELETED) or has_left(row):  # its contact was deleted for good
                self.gone.add(person)
            else:
                self.people[person] = row

    def wanted(self) -> set[Person]:
        """To whom somebody moved, and of whom it is not known what became of them."""
        known = self.people.keys() | self.moved.keys() | self.gone
        return set(self.moved.values()) - known

    def settled(self, asked: Iterable[Person]) -> Found:
        """As far as it was asked for, with each who moved led to where they are now.

        Whose last successor is not there is as good as deleted.
        """
        moved: dict[Person, Person] = {}
        gone: set[Person] = set()
        for one in asked:
            into = self._end(one)
            if into != one and into in self.people:
                moved[one] = into
            elif into != one or one in self.gone:
                gone.add(one)
        there = {one for one in asked if one in self.people} | set(moved.values())
        return Found({one: self.people[one] for one in sorted(there)}, moved, gone)

    def _end(self, person: Person) -> Person:
        seen = {person}
        while (into := self.moved.get(person)) and into not in seen:
            seen.add(into)
            person = into
        return person


def _successor(kind: Kind, row: Record) -> Person | None:
    master = full(row.get(MASTER))
    if row.get(DELETED) and master:
        return kind, master
    if not row.get(CONVERTED):
        return None
    contact = full(row.get(CONVERTED_CONTACT)) or full(at(row, CONVERTED_PERSON))
    return ("contact", contact) if contact else None


def has_left(row: Record) -> bool:
    """Whether a lead was converted, into whomever, and can be written no more.

    One of which it is hidden from us into whom stays.
    """
    return bool(row.get(CONVERTED)) and CONVERTED_CONTACT in row


def by_kind(people: Iterable[Person]) -> Mapping[Kind, list[str]]:
    """Ids, sorted."""
    found: dict[Kind, list[str]] = {}
    for kind, identity in sorted(people):
        found.setdefault(kind, []).append(identity)
    return found
