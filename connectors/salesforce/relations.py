"""Reading people with all that belongs to them, in as few calls as there can be.

A composite request takes five queries and counts as one call. Opportunities come with the roles
that contacts have in them, accounts with the contacts; so the usual policy costs one call for two
hundred people. Opportunities are purchases, and are always looked at; all else only under a policy
that has attributes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors.salesforce.api import BATCH, SalesforceApi, chunks
from connectors.salesforce.ids import full
from connectors.salesforce.lookup import Found, Person, by_kind
from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.records import (
    ACCOUNT,
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
)
from connectors.salesforce.schema import Schema
from connectors.salesforce.soql import Query, among, select

_KINDS: tuple[Kind, ...] = ("deal", "account", "ticket", "line_item")

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
        own = {OBJECTS[kind] for kind in (*PERSONS, *self.kinds)} | {"Account", ROLES}
        products = {"Product2"} if "line_item" in self.kinds else set()
        told = {name for kind in PERSONS for name in doings(kind, self.attributes)}
        return tuple(sorted(own | products | told))

    def read(self, people: Iterable[Person], now: datetime) -> People:
        """The people with what belongs to them, and with those whom they became."""
        asked = frozenset(people)
        read = People(Found())
        todo = set(asked)
        if todo:
            self.schema.look(self.objects, now)
        while todo:
            for some in chunks(sorted(todo), BATCH):
                self._read_some(some, read)
            todo = read.found.wanted() - todo
        if "line_item" in self.kinds:
            self._add_line_items(read)
        read.found = read.found.settled(asked)
        return read

    def people_of(
        self, kind: Kind, ids: Iterable[str], now: datetime
    ) -> Mapping[str, Sequence[str]]:
        """The contacts that each record leads to; none of a kind that is not read."""
        led: defaultdict[str, list[str]] = defaultdict(list)
        self.schema.look(self.objects, now)
        for some in chunks(sorted(set(ids)), BATCH) if kind in self.kinds else ():
            for row in self._leading(kind, some):
                record, contact = (full(one) for one in row)
                if record and contact and contact not in led[record]:
                    led[record].append(contact)
        return led

    def _read_some(self, people: Sequence[Person], read: People) -> None:
        ids = by_kind(people)
        persons = [(kind, self._persons(kind, ids[kind])) for kind in ids]
        belonging = [one for kind in ids for one in self._belonging(kind, ids[kind])]
        wanted = [*(query for _, query in persons), *(one.query for one in belonging)]
        answers = iter(self.api.queries(wanted))
        for kind, _ in persons:
            read.found.take(kind, next(answers))
        for one in belonging:
            _add(read.belongings, one, next(answers))

    def _persons(self, kind: Kind, ids: Sequence[str]) -> Query:
        name = OBJECTS[kind]
        fields = self.schema.there(name, fields_of(kind, self.attributes))
        if kind == "contact" and "account" in self.kinds:
            fields += self.schema.there(
                "Account", fields_of("account", self.attributes), "Account."
            )
        return select(fields, name, among(ID, ids), everything=True)

    def _belonging(self, kind: Kind, ids: Sequence[str]) -> list[_Asked]:
        own = self._of_contacts(ids) if kind == "contact" else []
        return own + [
            one
            for name, told in doings(kind, self.attributes).items()
            for one in self._done(name, told, ids)
        ]

    def _of_contacts(self, ids: Sequence[str]) -> list[_Asked]:
        found = []
        if self.schema.has(ROLES, "ContactId"):
            deals = self._deal_fields("Opportunity.")
            query = select([*deals, "ContactId"], ROLES, among("ContactId", ids))
            found.append(_Asked(query, "Opportunity", "ContactId", "Opportunity"))
        if self.schema.has("Account", PERSON_CONTACT):
            way = f"Account.{PERSON_CONTACT}"
            query = select([*self._deal_fields(), way], "Opportunity", among(way, ids))
            found.append(_Asked(query, "Opportunity", way))
        if "ticket" in self.kinds and self.schema.fields("Case"):
            fields = self.schema.there("Case", fields_of("ticket", self.attributes))
            query = select(fields, "Case", among("ContactId", ids))
            found.append(_Asked(query, "Case", "ContactId"))
        return found

    def _deal_fields(self, prefix: str = "") -> list[str]:
        return self.schema.there("Opportunity", fields_of("deal", self.attributes), prefix)

    def _done(self, name: str, told: Iterable[Attribute], ids: Sequence[str]) -> list[_Asked]:
        """Tasks and events of old are in the archive, where only ``queryAll`` looks."""
        fields = self.schema.there(name, {*OWN[name], *(doing(one)[1] for one in told)})
        whole = name in ("Task", "Event")
        prefix = ids[0][:3]
        return [
            _Asked(select(fields, name, among(who, ids), everything=whole), name, who)
            for who in WHO[name]
            if who in fields and _may_name(who, prefix)
        ]

    def _add_line_items(self, read: People) -> None:
        owners: defaultdict[str, list[Person]] = defaultdict(list)
        for person, held in read.belongings.items():
            for deal in held.get("Opportunity", ()):
                owners[full(deal[ID])].append(person)
        for some in (
            chunks(sorted(owners), BATCH) if self.schema.fields("OpportunityLineItem") else ()
        ):
            for row in self._line_items(some):
                for person in dict.fromkeys(owners[full(row["OpportunityId"])]):
                    held = read.belongings.setdefault(person, {})
                    held.setdefault("OpportunityLineItem", []).append(row)

    def _line_items(self, deals: Sequence[str]) -> list[Record]:
        own = fields_of("line_item", self.attributes)
        fields = self.schema.there("OpportunityLineItem", own)
        of_product = [one.removeprefix("Product2.") for one in own if one.startswith("Product2.")]
        fields += self.schema.there("Product2", {*OWN["Product2"], *of_product}, "Product2.")
        query = select(fields, "OpportunityLineItem", among("OpportunityId", deals))
        (rows,) = self.api.queries([query])
        return rows

    def _leading(self, kind: Kind, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Pairs of a record and a contact."""
        match kind:
            case "account":
                query = select([ID, ACCOUNT], "Contact", among(ACCOUNT, ids))
                return [(row[ACCOUNT], row[ID]) for row in self.api.queries([query])[0]]
            case "ticket":
                query = select([ID, "ContactId"], "Case", among(ID, ids))
                return [(row[ID], row["ContactId"] or "") for row in self.api.queries([query])[0]]
            case "line_item":
                return self._through_deals(ids)
            case _:
                return self._in_roles(ids)

    def _in_roles(self, deals: Sequence[str]) -> list[tuple[str, str]]:
        roles = select(["OpportunityId", "ContactId"], ROLES, among("OpportunityId", deals))
        queries = [roles]
        way = f"Account.{PERSON_CONTACT}"
        if self.schema.has("Account", PERSON_CONTACT):
            queries.append(select([ID, way], "Opportunity", among(ID, deals)))
        in_roles, *of_accounts = self.api.queries(queries)
        return [
            *((row["OpportunityId"], row["ContactId"] or "") for row in in_roles),
            *((row[ID], str(at(row, way) or "")) for rows in of_accounts for row in rows),
        ]

    def _through_deals(self, items: Sequence[str]) -> list[tuple[str, str]]:
        query = select([ID, "OpportunityId"], "OpportunityLineItem", among(ID, items))
        deals = {row[ID]: full(row["OpportunityId"]) for row in self.api.queries([query])[0]}
        led: defaultdict[str, list[str]] = defaultdict(list)
        for some in chunks(sorted({deal for deal in deals.values() if deal}), BATCH):
            for deal, contact in self._in_roles(some):
                led[full(deal)].append(contact)
        return [(item, contact) for item, deal in deals.items() for contact in led[deal]]


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


def _may_name(who: str, prefix: str) -> bool:
    return {"ContactId": "003", "LeadId": "00Q"}.get(who, prefix) == prefix
