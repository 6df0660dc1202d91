"""What belongs to a contact, and whom a change elsewhere concerns.

Deals are purchases, and are always looked at; companies, tickets, surveys and line items only
under a policy that has attributes of them. Line items belong to a contact through its deals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors._http import Forbidden
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.lookup import Lookup
from connectors.hubspot.records import OBJECT_TYPES, Record, held_by, linked_ids, properties_of

_KINDS: tuple[Kind, ...] = ("deal", "account", "ticket", "survey", "line_item")

ById = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Related:
    """``by_contact`` are the records of each kind that was read, by the contact's id.

    ``deals`` are those that line items belong to, by the line item's id.
    """

    by_contact: Mapping[Kind, Mapping[str, Sequence[Record]]]
    deals: Mapping[str, Record]

    def of(self, contact_id: str) -> Mapping[Kind, Sequence[Record]]:
        return {kind: found[contact_id] for kind, found in self.by_contact.items()}

    def every(self, kind: Kind) -> Sequence[Record]:
        """Each record once, whoever it belongs to."""
        return _distinct(chain.from_iterable(self.by_contact.get(kind, {}).values()))


@dataclass(frozen=True, slots=True)
class Relations:
    """Of one account, as far as ``attributes`` ask for them.

    The account may do without the ``optional`` kinds; those that it did not grant are
    ``withheld``, which is found out once.
    """

    api: HubSpotApi
    attributes: Sequence[Attribute]
    optional: frozenset[Kind] = frozenset()
    withheld: set[Kind] = field(default_factory=set)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those beside contacts that are read."""
        asked = (kind for kind in _KINDS if kind == "deal" or held_by(kind, self.attributes))
        return tuple(kind for kind in asked if kind not in self.withheld)

    def contacts_of(self, ids: Mapping[Kind, Sequence[str]]) -> Mapping[Kind, ById]:
        """The contacts that each record leads to, by its kind and id; unread kinds are left out."""
        wanted = {kind: list(ids.get(kind, ())) for kind in self.kinds}
        deals = self._leading("line_item", "deal", wanted.pop("line_item", ()))
        wanted["deal"] += chain.from_iterable(deals.values())
        led = {kind: self._leading(kind, "contact", asked) for kind, asked in wanted.items()}
        items = {
            item: sorted({contact for deal in those for contact in led["deal"][deal]})
            for item, those in deals.items()
        }
        return {**led, "line_item": items}

    def read(self, contacts: Iterable[str]) -> Related:
        contacts = list(contacts)
        by_contact: dict[Kind, Mapping[str, Sequence[Record]]] = {}
        for kind in self.kinds:
            with self.unless_withheld(kind):
                if kind != "line_item":
                    by_contact[kind] = self._linked("contact", kind, contacts)
        if "line_item" not in self.kinds:
            return Related(by_contact, {})
        deals = {one["id"]: one for one in chain.from_iterable(by_contact["deal"].values())}
        items = self._linked("deal", "line_item", deals)
        by_contact["line_item"] = {
            contact: _distinct(item for deal in found for item in items[deal["id"]])
            for contact, found in by_contact["deal"].items()
        }
        return Related(
            by_contact, {item["id"]: deals[deal] for deal, those in items.items() for item in those}
        )

    @contextmanager
    def unless_withheld(self, kind: Kind) -> Iterator[None]:
        try:
            yield
        except Forbidden:
            if kind not in self.optional:
                raise
            self.withheld.add(kind)

    def _linked(
        self, source: Kind, target: Kind, ids: Iterable[str]
    ) -> Mapping[str, Sequence[Record]]:
        """By the id of what they are linked to; a link may outlive its record by a moment."""
        asked = list(ids)
        found = self.api.associations(OBJECT_TYPES[source], OBJECT_TYPES[target], asked)
        links = {one: linked_ids(found[one]) for one in asked}
        lookup = Lookup(self.api, OBJECT_TYPES[target], properties_of(target, self.attributes))
        records = lookup.read(chain.from_iterable(links.values()))
        return {
            one: _distinct(record for to in those if (record := records.get(to)))
            for one, those in links.items()
        }

    def _leading(self, source: Kind, target: Kind, ids: Iterable[str]) -> ById:
        """Also from merged records, whose associations may come under another id.

        Which one is not said, so they are taken for those of all that have none of their own:
        it is only about whom to look at.
        """
        asked = frozenset(ids)
        found = self.api.associations(OBJECT_TYPES[source], OBJECT_TYPES[target], asked)
        links = {one: linked_ids(associations) for one, associations in found.items()}
        strays = sorted({to for one, those in links.items() if one not in asked for to in those})
        return {one: links[one] or strays for one in asked}


def _distinct(records: Iterable[Record]) -> list[Record]:
    """Each id once, in their order: two ids that were asked for may be one record by now."""
    return list({record["id"]: record for record in records}.values())
