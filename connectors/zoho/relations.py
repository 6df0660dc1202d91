"""What belongs to a person, and whom a change elsewhere concerns.

Deals are purchases, and are always looked at; accounts, cases, line items and what was done with
people only under a policy that has attributes of them. A lead has nothing but what was done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors._http import Forbidden, Refused
from connectors.zoho.api import ZohoApi
from connectors.zoho.coql import Selection
from connectors.zoho.records import (
    CRM,
    DOINGS,
    LEADING,
    MODULES,
    PRODUCT_FIELDS,
    Record,
    doings,
    field_of,
    fields_of,
    held_by,
    lookup,
)
from connectors.zoho.reference_data import Modules

_KINDS: tuple[Kind, ...] = ("deal", "account", "ticket", "line_item")

ByPerson = Mapping[str, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Related:
    """``by_kind`` are the records of each kind that was read, by the person's id.

    ``done`` are those of what was done with them, by module.
    """

    by_kind: Mapping[Kind, ByPerson] = field(default_factory=dict)
    done: Mapping[str, ByPerson] = field(default_factory=dict)

    def of(self, person: str) -> Mapping[Kind, Sequence[Record]]:
        return {kind: found.get(person, ()) for kind, found in self.by_kind.items()}

    def done_with(self, person: str) -> Mapping[str, Sequence[Record]]:
        return {module: found.get(person, ()) for module, found in self.done.items()}

    def every(self, kind: Kind) -> list[Record]:
        """Each record once, whoever it belongs to."""
        found = self.by_kind.get(kind, {})
        return list({row["id"]: row for rows in found.values() for row in rows}.values())


@dataclass(frozen=True, slots=True)
class Relations:
    """Of one organisation, as far as ``attributes`` ask for them and it has such a module.

    ``missing`` are the related lists that it has not got, by whose they would be.
    """

    api: ZohoApi
    modules: Modules
    attributes: Sequence[Attribute]
    missing: set[tuple[Kind, str]] = field(default_factory=set)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those beside persons that are read."""
        return tuple(kind for kind in _KINDS if kind == "deal" or held_by(kind, self.attributes))

    def persons_of(self, kind: Kind, ids: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The contacts that each record leads to; none of a kind that is not read."""
        asked = sorted(set(ids))
        if not asked or kind not in self.kinds or kind not in LEADING:
            return {}
        led: defaultdict[str, list[str]] = defaultdict(list)
        if kind == "account":
            contacts = Selection(self.api, "Contacts", [LEADING[kind]])
            for row in contacts.where(LEADING[kind], asked):
                led[lookup(row, LEADING[kind])].append(str(row["id"]))
            return led
        for row in Selection(self.api, MODULES[kind], [LEADING[kind]]).where("id", asked):
            if contact := lookup(row, LEADING[kind]):
                led[str(row["id"])].append(contact)
        return led

    def read(self, kind: Kind, persons: Mapping[str, Record], *, history: bool) -> Related:
        """Of contacts or leads, by their records; related lists only with ``history``."""
        if not persons:
            return Related()
        by_kind = self._of_contacts(persons) if kind == "contact" else {}
        return Related(by_kind, self._done(kind, persons, history=history))

    def _of_contacts(self, contacts: Mapping[str, Record]) -> Mapping[Kind, ByPerson]:
        found: dict[Kind, ByPerson] = {"deal": self._looking_to("deal", contacts)}
        if "account" in self.kinds:
            found["account"] = self._accounts(contacts)
        if "ticket" in self.kinds:
            found["ticket"] = self._looking_to("ticket", contacts)
        if "line_item" in self.kinds:
            found["line_item"] = {
                contact: [item for deal in deals for item in self._line_items(deal)]
                for contact, deals in found["deal"].items()
            }
        return found

    def _looking_to(self, kind: Kind, contacts: Iterable[str]) -> ByPerson:
        """Records whose lookup is one of the contacts."""
        module, leading = MODULES[kind], LEADING[kind]
        # Nobody may lose their purchases over a scope that is missing.
        there = self.modules.fields(module) if kind == "deal" else self.modules.optional(module)
        columns = [name for name in fields_of(kind, self.attributes) if name in there]
        found: defaultdict[str, list[Record]] = defaultdict(list)
        if leading in columns:
            for row in Selection(self.api, module, columns).where(leading, contacts):
                found[lookup(row, leading)].append(row)
        return found

    def _accounts(self, contacts: Mapping[str, Record]) -> ByPerson:
        ids = {one: lookup(row, LEADING["account"]) for one, row in contacts.items()}
        asked = {account for account in ids.values() if account}
        rows = self.modules.records("Accounts", asked, fields_of("account", self.attributes))
        accounts = {row["id"]: row for row in rows}
        return {one: [accounts[to]] for one, to in ids.items() if to in accounts}

    def _line_items(self, deal: Record) -> list[Record]:
        """The products of a deal, each as a line of it: a call for every deal."""
        asked = {one.fields[CRM] for one in held_by("line_item", self.attributes)}
        names = sorted(asked | set(PRODUCT_FIELDS))
        rows = self.api.related("Deals", str(deal["id"]), "Products", names)
        return [
            {**row, "id": f"{deal['id']}-{row['id']}", "Product_Id": row["id"], "Deal": deal}
            for row in rows
        ]

    def _done(self, kind: Kind, persons: Iterable[str], *, history: bool) -> Mapping[str, ByPerson]:
        found: dict[str, ByPerson] = {}
        for module, told in doings(kind, self.attributes).items():
            names = [field_of(one, kind).partition(".")[2] for one in told]
            if module in DOINGS:
                found[module] = self._with_persons(kind, module, names, persons)
            elif history:
                lists = {one: self._listed(kind, one, module, names) for one in persons}
                found[module] = lists
        return found

    def _listed(
        self, kind: Kind, person: str, related: str, names: Sequence[str]
    ) -> Sequence[Record]:
        """Of one person; none where the organisation has no such list, which is found out once."""
        if (kind, related) in self.missing:
            return []
        try:
            return self.api.related(MODULES[kind], person, related, sorted(set(names)))
        except (Forbidden, Refused):
            self.missing.add((kind, related))
            return []

    def _with_persons(
        self, kind: Kind, module: str, names: Sequence[str], persons: Iterable[str]
    ) -> ByPerson:
        who = DOINGS[module][kind]
        columns = self.modules.there(module, [who, *names])
        found: defaultdict[str, list[Record]] = defaultdict(list)
        if who in columns:
            for row in Selection(self.api, module, columns).where(who, persons):
                found[lookup(row, who)].append(row)
        return found
