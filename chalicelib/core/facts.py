"""What we know of a subject, as a set that converges.

A *state* (a contact, a deal, the set of associations) is kept in its newest version; an
*activity* happened once and is kept as it is. ``FactSet.merge`` is commutative, associative
and idempotent, so facts may arrive twice, late and in any order.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Literal, cast, get_args

from chalicelib.core.model import (
    KINDS,
    SUBJECT_KINDS,
    Activity,
    Deal,
    DealStatus,
    Json,
    Money,
    Purchase,
    Ref,
)
from chalicelib.core.structs import struct

FactType = Literal[
    "contact", "lead", "account", "deal", "line_item", "purchase", "refund",
    "activity", "survey", "ticket", "subscription", "links", "deleted", "score", "stage",
]  # fmt: skip
FACT_TYPES: tuple[FactType, ...] = get_args(FactType)
"""A *score* is what a person owes to the company, a *stage* a deal seen at its place once."""


SKEW = timedelta(minutes=5)
"""How far ahead of ours a source's clock is taken to be; what lies further ahead is yet to come."""

TOLD = "told:"
"""Begins the id of a state that a shop or an app told: no record of the CRM stands behind it."""

ORDER = "record:"
"""Begins the id of a purchase or refund that the CRM keeps a record of, and no shop told."""

LINKED_ORDERS = "order"
"""Where the associations name those, by the ids of their facts."""

_EVENTS: frozenset[FactType] = frozenset({"activity", "purchase", "refund"})

_ID = itemgetter(0)


@struct
class Fact:
    """One thing known of ``subject``.

    ``occurred_at`` is when an activity happened, or when a state was *read*. ``modified_at``
    is when the source last changed a state; a state without one (the set of associations)
    is as new as its reading. ``data`` is JSON; amounts are ``{"amount": int, "currency": str}``.
    An ``amount`` in a foreign currency may have its ``value`` in the connection's beside it.
    """

    subject: Ref
    type: FactType
    id: str
    occurred_at: datetime
    data: Mapping[str, Json]
    modified_at: datetime | None = None

    @property
    def key(self) -> str:
        """Identity within the subject's collection, and its sort key in the table."""
        if self.type == "activity":
            return f"ACT#{iso(self.occurred_at)}#{self.id}"
        if self.type == "links":
            return "FACT#links"
        return f"FACT#{self.type}#{self.id}"

    @property
    def version(self) -> datetime:
        return self.modified_at or self.occurred_at

    @property
    def is_told(self) -> bool:
        """Whether it is a state of something that the CRM keeps no record of."""
        return self.id.startswith(TOLD)

    def _rank(self) -> tuple[datetime, datetime, str]:
        # The last member only makes the order total: two readings of one version that
        # differ (computed properties) must be ranked alike wherever they meet.
        return self.version, self.occurred_at, canonical(self.data)

    def newer_than(self, other: Fact) -> bool:
        """Whether this one replaces ``other`` under the same key."""
        return self._rank() > other._rank()

    def tells_more_than(self, other: Fact | None) -> bool:
        """Whether replacing ``other`` is worth a write: a second reading of a version is not."""
        return other is None or (self.version, self.data) != (other.version, other.data)

    def as_received(self, at: datetime) -> Fact:
        """Something that a fast clock dates a little ahead happened when we heard of it."""
        is_ahead = timedelta(0) < self.occurred_at - at <= SKEW
        return replace(self, occurred_at=at) if is_ahead and self.type in _EVENTS else self

    def to_json(self) -> dict[str, Json]:
        row: dict[str, Json] = {
            "subject": str(self.subject),
            "type": self.type,
            "id": self.id,
            "occurred_at": iso(self.occurred_at),
            "data": dict(self.data),
        }
        return row | ({"modified_at": iso(self.modified_at)} if self.modified_at else {})

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> Fact:
        """Raises ValueError, saying which member is missing or wrong."""
        try:
            kind, data, modified = row["type"], row["data"], row.get("modified_at")
            if kind not in FACT_TYPES or not isinstance(data, dict):
                raise ValueError(f"type must be one of {', '.join(FACT_TYPES)}; data an object")
            return cls(
                subject=Ref.parse(str(row["subject"])),
                type=kind,
                id=str(row["id"]),
                occurred_at=parse_instant(str(row["occurred_at"])),
                data=data,
                modified_at=parse_instant(str(modified)) if modified else None,
            )
        except KeyError as missing:
            raise ValueError(f"a fact needs {missing.args[0]!r}") from missing


@dataclass(frozen=True)
class FactSet:
    """The facts of one subject by key. Iterates over its facts in key order."""

    facts: Mapping[str, Fact] = field(default_factory=dict)

    @cached_property
    def by_type(self) -> Mapping[FactType, Sequence[Fact]]:
        """In key order, sorted once for all who ask. Activities are not among them."""
        return {
            kind: [*map(found.__getitem__, sorted(found))]
            for kind, found in self._unsorted.items()
            if kind != "activity"
        }

    @cached_property
    def _unsorted(self) -> Mapping[FactType, Mapping[str, Fact]]:
        """By type and key, in the order in which they came and lie in memory.

        To go through many in order of their keys is to jump about in memory, which takes longer
        than whatever is read there.
        """
        found: defaultdict[FactType, dict[str, Fact]] = defaultdict(dict)
        for key, fact in self.facts.items():
            found[fact.type][key] = fact
        return found

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> FactSet:
        return cls().merge(facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter([self.facts[key] for key in sorted(self.facts)])

    def __len__(self) -> int:
        return len(self.facts)

    def merge(self, incoming: Iterable[Fact]) -> FactSet:
        kept = dict(self.facts)
        for fact in incoming:
            held = kept.get(fact.key)
            if held is None or fact.newer_than(held):
                kept[fact.key] = fact
        return FactSet(kept)

    def beyond(self, earlier: FactSet) -> tuple[Fact, ...]:
        """The facts that ``earlier`` did not hold: what a save has to write."""
        return tuple(fact for fact in self if fact.tells_more_than(earlier.facts.get(fact.key)))

    def conflicting(self, incoming: Iterable[Fact]) -> tuple[Fact, ...]:
        """Activities that tell of a known one something else, and not as its newer version.

        They count no further; somebody should look why their source contradicts itself.
        """
        told = [fact for fact in incoming if fact.type == "activity" and not fact.modified_at]
        if not told:
            return ()
        known: dict[tuple[Json, str], Fact] = {}
        for _, fact in sorted(self._unsorted.get("activity", {}).items()):
            known.setdefault((fact.data.get("kind"), fact.id), fact)
        pairs = [(fact, known.get((fact.data.get("kind"), fact.id))) for fact in told]
        return tuple(fact for fact, held in pairs if held and _contradict(fact, held))

    def record(self) -> Fact | None:
        """The subject's own state (its contact, lead or account record)."""
        for kind in SUBJECT_KINDS:
            for fact in self.by_type.get(kind, ()):
                if _is_own_record(fact):
                    return fact
        return None

    @property
    def hidden(self) -> bool:
        """Whether the latest look at the CRM found the record deleted.

        Only readings are compared: the set of associations is new with every one.
        """
        gone = [fact.version for fact in self.facts.values() if fact.type == "deleted"]
        there = [
            fact.occurred_at
            for fact in self.facts.values()
            if fact.type == "links" or _is_own_record(fact)
        ]
        return bool(gone) and (not there or max(gone) > max(there))

    def related(self) -> frozenset[Ref]:
        """The records beside the subject's own that it holds states of."""
        return frozenset(
            Ref(fact.subject.connection, fact.type, fact.id)
            for fact in self.facts.values()
            if fact.type in KINDS and not (_is_own_record(fact) or fact.is_told)
        )

    def linked(self, kind: str) -> frozenset[str] | None:
        """Ids of the associated records of a kind; None while associations were never read."""
        links = self.facts.get("FACT#links")
        return None if links is None else frozenset(cast(list[str], links.data.get(kind, [])))

    def states(self, kind: FactType) -> tuple[Fact, ...]:
        """States of associated records; one that is no longer linked does not count."""
        linked = self.linked(kind)
        found = self.by_type.get(kind, ())
        if linked is None:
            return tuple(found)
        return tuple([fact for fact in found if fact.id in linked or fact.is_told])

    def orders(self) -> tuple[Fact, ...]:
        """Purchases and refunds beside deals. Of the CRM's own those that are linked count.

        One that was deleted there, taken back or given to somebody else is linked no longer.
        """
        told = (*self.by_type.get("purchase", ()), *self.by_type.get("refund", ()))
        linked = self.linked(LINKED_ORDERS)
        if linked is None:
            return told
        return tuple([one for one in told if one.id in linked or not one.id.startswith(ORDER)])

    def deals(self) -> tuple[Deal, ...]:
        return tuple(_deal(fact) for fact in self.states("deal"))

    def activities(self) -> tuple[Activity, ...]:
        """In order of time. One id of a kind is one activity, and its earliest time counts."""
        made = _activities(self._unsorted.get("activity", {}))
        told = [*map(made.__getitem__, sorted(made))]
        if len(set(map(_ID, told))) == len(told):
            return tuple(told)
        found: dict[tuple[str, str], Activity] = {}
        for one in told:
            found.setdefault((one.kind, one.id), one)
        return tuple(found.values())

    def purchases(self) -> tuple[Purchase, ...]:
        """Won deals with a date and a sum, and orders told by a shop, less what went back.

        Oldest first. Their sums are in the connection's currency wherever its CRM or shop knew a
        rate. What others bought, and is credited to the subject, is not among them;
        ``core.purchases`` tells more of both.
        """
        from chalicelib.core.purchases import turnover

        return turnover(self).purchases

    def credited(self, credit: str) -> tuple[Purchase, ...]:
        """Purchases of others that the subject brought about, such as by ``referral``."""
        from chalicelib.core.purchases import turnover

        found = turnover(self).credited
        return tuple(one.purchase for one in found if one.credit == credit)


def _contradict(fact: Fact, held: Fact) -> bool:
    # A fast clock's first telling was dated when we heard of it.
    is_elsewhen = abs(fact.occurred_at - held.occurred_at) > SKEW
    return is_elsewhen or (not held.modified_at and fact.data != held.data)


def _is_own_record(fact: Fact) -> bool:
    return fact.type == fact.subject.kind and fact.id == fact.subject.id


def _deal(fact: Fact) -> Deal:
    closed = fact.data.get("closed_at")
    return Deal(
        id=fact.id,
        status=cast(DealStatus, fact.data.get("status", "open")),
        amount=money(fact.data.get("amount")),
        value=money(fact.data.get("value")),
        closed_at=parse_instant(str(closed)) if closed else None,
        attributes=fact.data,
    )


def _activities(facts: Mapping[str, Fact]) -> dict[str, Activity]:
    made: dict[str, Activity] = {}
    # A card makes one of every such fact, and past the named arguments it takes half the time.
    new = tuple.__new__
    for key, fact in facts.items():
        data = fact.data
        count = data.get("count", 1)
        known = count if isinstance(count, int) else 1
        row = fact.id, str(data.get("kind", "")), fact.occurred_at, known, data
        made[key] = new(Activity, row)
    return made


def money(value: Json) -> Money | None:
    """From ``{"amount": int, "currency": str}``; None for anything else."""
    if not isinstance(value, dict):
        return None
    amount, currency = value.get("amount"), value.get("currency")
    if isinstance(amount, int) and isinstance(currency, str):
        return Money(amount, currency)
    return None


def canonical(value: object) -> str:
    """JSON with one spelling per value, for hashing and comparing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def iso(instant: datetime) -> str:
    """UTC with milliseconds, so that texts sort as the instants do.

    >>> iso(datetime(2026, 3, 21, 12, tzinfo=UTC))
    '2026-03-21T12:00:00.000Z'
    """
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def earliest(times: Iterable[datetime | None]) -> datetime | None:
    """Of those that are known; None of none."""
    known = [at for at in times if at]
    return min(known) if known else None


def parse_instant(text: str) -> datetime:
    """An aware ISO 8601 instant, in UTC. Raises ValueError for a text without a zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2026-03-21T12:00:00Z")
    try:
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 of UTC") from error
