"""Reading people with all that belongs to them, in as few calls as there can be.

A composite request takes five queries and counts as one call. Each query names up to two hundred
records, and those of many people fill calls together. Opportunities come with the roles that
contacts have in them, accounts with the contacts; so under the usual policy two hundred people take
three queries. Opportunities and orders are purchases, and are always looked at; all else only under
a policy that has attributes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors.salesforce import orders
from connectors.salesforce.api import BATCH, SalesforceApi, chunks
from connectors.salesforce.ids import full
from connectors.salesforce.lookup import Found, Person, by_kind
from connectors.salesforce.objects import OBJECTS, ORDER, ORDER_ITEM
from connectors.salesforce.records import (
    ACCOUNT,
    CONVERTED_ACCOUNT,
    DOINGS,
    ID,
    OWN,
    PERSON_CONTACT,
    PERSONS,
    ROLES,
    WHO,
    Record,
    at,
    doing,
    doings,
    fields_of,
    held_by,
    parent,
    tellers,
)
from connectors.salesforce.schema import Schema
from connectors.salesforce.soql import Query, among, of_persons, select

_KINDS: tuple[Kind, ...] = ("deal", "account", "ticket", "line_item")

_NAMES_ONLY: Mapping[str, Kind] = {"ContactId": "contact", "LeadId": "lead"}
"""Fields that name persons of one kind; all others name any."""

_Part = tuple[str, str, Record]
"""An object, the id of the whole that the record is a part of, and the record."""

Belongings = dict[Person, dict[str, list[Record]]]
"""Records by person, and by the object that they are of."""


@dataclass(slots=True)
class People:
    """``belongings`` may hold a record twice, which a person reached by two ways."""

    found: Found
    belongings: Belongings = field(default_factory=dict)

    def of(self, person: Person, name: str) -> list[Record]:
        rows = self.belongings.get(person, {}).get(name, ())
        return list({full(row[ID]): row for row in rows}.values())

    def every(self, name: str) -> list[Record]:
        return [row for held in self.belongings.values() for row in held.get(name, ())]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query, and whom each of its rows belongs to; ``within`` is where in a row the record is."""

    query: Query
    object: str
    owner: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class _Lead:
    """A query whose rows lead from the record in field ``key`` to the one in ``to``."""

    query: Query
    object: str
    key: str
    to: str


@dataclass(frozen=True, slots=True)
class Relations:
    """Of one organisation, as far as ``attributes`` ask for them and it lets us see them."""

    api: SalesforceApi
    schema: Schema
    attributes: Sequence[Attribute]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those beside persons that are read."""
        return tuple(kind for kind in _KINDS if kind == "deal" or held_by(kind, self.attributes))

    @property
    def objects(self) -> tuple[str, ...]:
        """All that is looked at."""
        own = {OBJECTS[kind] for kind in (*PERSONS, *self.kinds)} | {"Account", ROLES, ORDER}
        products = {"Product2", ORDER_ITEM} if "line_item" in self.kinds else set()
        return tuple(sorted(own | products | tellers(self.attributes)))

    def read(self, people: Iterable[Person], now: datetime) -> People:
        """The people with what belongs to them, and with those whom they became."""
        asked = frozenset(people)
        read = People(Found())
        todo, looked_for = set(asked), set(asked)
        if todo:
            self.schema.look(self.objects, now)
        while todo:
            self._read_all(sorted(todo), read)
            todo = read.found.wanted() - looked_for  # who is not there is not looked for twice
            looked_for |= todo
        if "line_item" in self.kinds:
            self._add_parts(read, "Opportunity", self._line_items)
            self._add_parts(read, ORDER, self._order_items)
        read.found = read.found.settled(asked)
        return read

    def people_of(
        self, kind: Kind, ids: Iterable[str], now: datetime
    ) -> Mapping[str, Sequence[str]]:
        """The contacts that each record leads to; none of a kind that is not read."""
        led: defaultdict[str, list[str]] = defaultdict(list)
        self.schema.look(self.objects, now)
        for row in self._leading(kind, sorted(set(ids))) if kind in self.kinds else ():
            record, contact = (full(one) for one in row)
            if record and contact and contact not in led[record]:
                led[record].append(contact)
        return led

    def _read_all(self, people: Sequence[Person], read: People) -> None:
        asked = [
            one for some in chunks(people, BATCH) for one in self._asked_of(by_kind(some), read)
        ]
        for (_, take), rows in zip(asked, self.api.queries([one for one, _ in asked]), strict=True):
            take(rows)

    def _asked_of(
        self, people: Mapping[Kind, Sequence[str]], read: People
    ) -> Iterator[tuple[Query, Callable[[list[Record]], None]]]:
        """Queries, and what takes the rows of each."""
        for kind, ids in people.items():
            yield self._persons(kind, ids), partial(read.found.take, kind)
        for kind, ids in people.items():
            for one in self._belonging(kind, ids):
                yield one.query, partial(_add, read.belongings, one)

    def _persons(self, kind: Kind, ids: Sequence[str]) -> Query:
        name = OBJECTS[kind]
        fields = self.schema.there(name, fields_of(kind, self.attributes))
        if kind == "contact" and "account" in self.kinds:
            fields += self.schema.there(
                "Account", fields_of("account", self.attributes), "Account."
            )
        if kind == "lead" and self.schema.has("Lead", CONVERTED_ACCOUNT):
            fields += self.schema.there("Account", [PERSON_CONTACT], "ConvertedAccount.")
        return select(fields, name, among(ID, ids), everything=True)

    def _belonging(self, kind: Kind, ids: Sequence[str]) -> list[_Asked]:
        own = self._of_contacts(ids) if kind == "contact" else []
        return own + [
            one
            for name, told in doings(kind, self.attributes).items()
            for one in self._done(name, told, kind, ids)
        ]

    def _of_contacts(self, ids: Sequence[str]) -> list[_Asked]:
        found = []
        if self.schema.has(ROLES, "ContactId"):
            deals = self._deal_fields("Opportunity.")
            query = select([*deals, "ContactId"], ROLES, among("ContactId", ids))
            found.append(_Asked(query, "Opportunity", "ContactId", "Opportunity"))
        if self.schema.has("Account", PERSON_CONTACT):
            way = f"Account.{PERSON_CONTACT}"
            query = select([*self._deal_fields(), way], "Opportunity", of_persons(ids))
            found.append(_Asked(query, "Opportunity", way))
        found += [_Asked(query, ORDER, way) for query, way in orders.queries(self.schema, ids)]
        if "ticket" in self.kinds and self.schema.fields("Case"):
            fields = self.schema.there("Case", fields_of("ticket", self.attributes))
            query = select(fields, "Case", among("ContactId", ids))
            found.append(_Asked(query, "Case", "ContactId"))
        return found

    def _deal_fields(self, prefix: str = "") -> list[str]:
        return self.schema.there("Opportunity", fields_of("deal", self.attributes), prefix)

    def _done(
        self, name: str, told: Iterable[Attribute], kind: Kind, ids: Sequence[str]
    ) -> list[_Asked]:
        """Tasks and events of old are in the archive, where only ``queryAll`` looks."""
        fields = self.schema.there(name, {*OWN[name], *(doing(one)[1] for one in told)})
        whole = name in ("Task", "Event")
        return [
            _Asked(select(fields, name, among(who, ids), everything=whole), name, who)
            for who in WHO[name]
            if who in fields and _may_name(who, kind)
        ]

    def _add_parts(
        self, read: People, whole: str, parts_of: Callable[[Sequence[str]], Iterable[_Part]]
    ) -> None:
        """What deals or orders consist of, to whomever they belong."""
        owners: defaultdict[str, list[Person]] = defaultdict(list)
        for person, held in read.belongings.items():
            for one in held.get(whole, ()):
                owners[full(one[ID])].append(person)
        for name, identity, row in parts_of(sorted(owners)):
            for person in dict.fromkeys(owners[identity]):
                read.belongings.setdefault(person, {}).setdefault(name, []).append(row)

    def _line_items(self, deals: Sequence[str]) -> Iterator[_Part]:
        own = fields_of("line_item", self.attributes)
        of_product = [one.removeprefix("Product2.") for one in own if one.startswith("Product2.")]
        return self._parts("OpportunityLineItem", "OpportunityId", own, of_product, deals)

    def _order_items(self, held: Sequence[str]) -> Iterator[_Part]:
        return self._parts(ORDER_ITEM, "OrderId", OWN[ORDER_ITEM], (), held)

    def _parts(
        self,
        name: str,
        key: str,
        own: Iterable[str],
        of_product: Iterable[str],
        wholes: Sequence[str],
    ) -> Iterator[_Part]:
        if not self.schema.has(name, key):
            return
        fields = self.schema.there(name, own)
        fields += self.schema.there("Product2", {*OWN["Product2"], *of_product}, "Product2.")
        for rows in self.api.queries(_several(fields, name, key, wholes)):
            for row in rows:
                yield name, full(row[key]), row

    def _leading(self, kind: Kind, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Pairs of a record and a contact."""
        match kind:
            case "account":
                return self._pairs(_leads("Contact", ACCOUNT, ids, to=ID))
            case "ticket":
                return self._pairs(_leads("Case", ID, ids, to="ContactId"))
            case "line_item":
                return self._through_deals(ids)
            case _:
                return self._in_roles(ids)

    def _in_roles(self, deals: Sequence[str]) -> list[tuple[str, str]]:
        way = f"Account.{PERSON_CONTACT}"
        asked = _leads(ROLES, "OpportunityId", deals, to="ContactId")
        if self.schema.has("Account", PERSON_CONTACT):
            asked += _leads("Opportunity", ID, deals, to=way)
        return self._pairs(asked)

    def _through_deals(self, items: Sequence[str]) -> list[tuple[str, str]]:
        sold_in = self._pairs(_leads("OpportunityLineItem", ID, items, to="OpportunityId"))
        deals = {item: full(deal) for item, deal in sold_in}
        led: defaultdict[str, list[str]] = defaultdict(list)
        for deal, contact in self._in_roles(sorted({one for one in deals.values() if one})):
            led[full(deal)].append(contact)
        return [(item, contact) for item, deal in deals.items() for contact in led[deal]]

    def _pairs(self, asked: Sequence[_Lead]) -> list[tuple[str, str]]:
        """What each row leads from and to, "" for nobody. What is hidden leads nowhere."""
        seen = [one for one in asked if "." in one.to or self.schema.has(one.object, one.to)]
        answers = self.api.queries([one.query for one in seen])
        return [
            (str(at(row, one.key)), str(at(row, one.to) or ""))
            for one, rows in zip(seen, answers, strict=True)
            for row in rows
        ]


def _leads(table: str, key: str, ids: Sequence[str], *, to: str) -> list[_Lead]:
    return [_Lead(query, table, key, to) for query in _several([key, to], table, key, ids)]


def _several(fields: Sequence[str], table: str, key: str, ids: Sequence[str]) -> list[Query]:
    """As many as it takes to name all ids."""
    return [select(fields, table, among(key, some)) for some in chunks(ids, BATCH)]


def doings_of(people: People, person: Person, source: str) -> list[Record]:
    """The records that tell of this kind of doing, such as the calls among the tasks."""
    name, field_name, value = DOINGS[source]
    rows = people.of(person, name)
    return [row for row in rows if not row.get("IsDeleted") and row.get(field_name) == value]


def _add(belongings: Belongings, asked: _Asked, rows: Iterable[Record]) -> None:
    for row in rows:
        identity = full(at(row, asked.owner))
        kind: Kind = "lead" if identity.startswith("00Q") else "contact"
        record = parent(row, asked.within) if asked.within else row
        if identity and record.get(ID):
            held = belongings.setdefault((kind, identity), {})
            held.setdefault(asked.object, []).append(record)


def _may_name(who: str, kind: Kind) -> bool:
    """By what was asked for: an id that a delivery tells may begin like any other."""
    return _NAMES_ONLY.get(who, kind) == kind
