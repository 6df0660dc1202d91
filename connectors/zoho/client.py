"""Reading and writing one Zoho organisation. The scored subjects are its contacts and leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from chalicelib.core.connector import (
    Access,
    Account,
    Change,
    Connection,
    Errand,
    Page,
    Reading,
    Secret,
    Update,
)
from chalicelib.core.errors import EmtiazError
from chalicelib.core.facts import Fact
from chalicelib.core.model import Kind, Language, Ref
from chalicelib.core.outputs import Fields, Output
from chalicelib.core.policy import Attribute
from connectors._inputs import missing_inputs
from connectors.zoho import changes, errands, owners
from connectors.zoho.api import BATCH, ZohoApi
from connectors.zoho.heirs import heirs
from connectors.zoho.listing import Listing, Place
from connectors.zoho.lookup import Found, resolve
from connectors.zoho.oauth import ACCOUNTS
from connectors.zoho.owned import detail
from connectors.zoho.provision import TYPES, Plan, carry_out
from connectors.zoho.provision import found as field_for
from connectors.zoho.provision import plan as plan_of
from connectors.zoho.published import EDITION, Published, by_kind
from connectors.zoho.records import MODULES, PERSONS, fields_of, place_of
from connectors.zoho.reference_data import ExchangeRates, Modules
from connectors.zoho.relations import Relations
from connectors.zoho.subscriptions import Channels
from connectors.zoho.translate import Reader, Reference, amounts

USER, ORG = "user", "org"
"""Details of a connection: whom we work as, and in which organisation."""


class ZohoClient:
    """Implements ``CrmClient``, and all that a client may offer besides."""

    write_batch = BATCH

    def __init__(
        self,
        connection: Connection,
        secret: Secret,
        attributes: Sequence[Attribute],
        access: Access,
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._attributes = attributes
        self._now = access.now
        self._api = ZohoApi(connection, secret, access)
        self._modules = Modules(self._api, access.now)
        self._relations = Relations(self._api, self._modules, attributes)
        self._rates = ExchangeRates(self._api, connection.currency, access.now)
        self._listing = Listing(self._api)
        self._published = Published(self._api, connection)

    def account(self) -> Account:
        org, user = self._api.org(), self._api.user()
        plan = org.get("license_details") or {}
        told = {
            USER: str(user["id"]),
            EDITION: str(plan.get("paid_type") or "free").lower(),
            ORG: str(org.get("zgid") or org["id"]),
        }
        kept = self._connection.details.get(ACCOUNTS)
        return Account(
            id=str(org.get("zgid") or org["id"]),
            currency=str(org["iso_code"]),
            time_zone=str(org["time_zone"]),
            details=told | ({ACCOUNTS: kept} if kept else {}),
        )

    def subjects(self, refs: Sequence[Ref]) -> Mapping[Ref, tuple[Ref, ...]]:
        """Contacts and leads move themselves; other records the contacts that they lead to."""
        led = {
            kind: self._relations.persons_of(kind, ids)
            for kind, ids in by_kind(refs).items()
            if kind not in PERSONS
        }
        return {
            ref: (ref,)
            if ref.kind in PERSONS
            else tuple(self._ref("contact", one) for one in led[ref.kind].get(ref.id, ()))
            for ref in refs
        }

    def fetch(self, subjects: Sequence[Ref], now: datetime, *, history: bool = False) -> Reading:
        """With ``history`` also the related lists that tell what somebody did: Zoho gives no past
        values of many records at once.
        """
        asked = by_kind(subjects)
        leads = self._resolve("lead", asked.get("lead", ()))
        contacts = self._resolve("contact", {*asked.get("contact", ()), *leads.moved.values()})
        facts = self._facts("lead", leads, now, history=history)
        facts |= self._facts("contact", contacts, now, history=history)
        moved = {one: into for one, into in leads.moved.items() if into in contacts.records}
        left = {one for one, into in leads.moved.items() if into in contacts.gone}
        return Reading(
            facts=facts,
            gone=frozenset(
                [self._ref("lead", one) for one in leads.gone | left]
                + [self._ref("contact", one) for one in contacts.gone & {*asked.get("contact", ())}]
            ),
            moved={
                self._ref("lead", one): self._ref("contact", into) for one, into in moved.items()
            },
        )

    def list_subjects(self, cursor: str | None) -> Page:
        place = Place.from_text(cursor) if cursor else Place(self._persons())
        listed = self._listing.at(place)
        refs = tuple(self._ref(listed.kind, one) for one in listed.ids)
        return Page(refs, listed.next.to_text() if listed.next else None, listed.total)

    def changed_since(self, since: datetime, cursor: str | None) -> Page:
        if cursor:
            position = changes.Position.from_text(cursor)
        else:
            kinds = (*PERSONS, *self._related_kinds())
            streams = changes.streams(self._modules, kinds, self._attributes)
            position = changes.Position(streams, since, since)
        found, following = changes.page(self._api, position)
        refs = tuple(self._ref(kind, one) for kind, one in found)
        return Page(refs, following.to_text() if following else None)

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        return self._published.write(updates)

    def assign(self, owners_by_ref: Mapping[Ref, str]) -> Mapping[Ref, EmtiazError]:
        nobody = self._connection.details.get(USER, "")
        return {
            self._ref(kind, identity): error
            for kind, ids in by_kind(owners_by_ref).items()
            for identity, error in owners.assign(
                self._api,
                MODULES[kind],
                {one: owners_by_ref[self._ref(kind, one)] for one in ids},
                nobody,
            ).items()
        }

    def create_task(self, subject: Ref, errand: Errand) -> None:
        errands.create_task(self._api, subject.kind, subject.id, errand, self._connection.time_zone)

    def create_note(self, subject: Ref, errand: Errand) -> None:
        errands.create_note(self._api, subject.kind, subject.id, errand)

    def shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        return self._published.shown(refs, outputs)

    def plan(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        plans = self._plans(outputs, language, kinds)
        planned = tuple(change for todo in plans for change in todo.steps + todo.conflicts)
        return (*planned, *missing_inputs(self._hidden()))

    def provision(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        plans = self._plans(outputs, language, kinds)
        for todo in plans:
            carry_out(self._api, todo)
        return tuple(change for todo in plans for change in todo.steps)

    def details(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind]
    ) -> Mapping[str, str]:
        """With what Zoho called each of our fields, in whatever language it was made."""
        del language
        kept = dict(self._connection.details)
        for kind in self._scored(kinds):
            self._modules.forget(MODULES[kind])
            fields = self._modules.fields(MODULES[kind])
            for one in outputs:
                if kind in one.kinds and one.type in TYPES:
                    field = field_for(self._connection, fields, one, kind)
                    kept |= {detail(kind, one.name): field["api_name"]} if field else {}
        return kept

    def subscribe(self) -> tuple[Change, ...]:
        return self._channels().keep(self._now())

    def unsubscribe(self) -> None:
        self._channels().close()

    def heirs(self, gone: Mapping[Ref, Sequence[Fact]]) -> Mapping[Ref, Ref]:
        found = heirs(self._modules, self._attributes, gone)
        return {ref: self._ref(kind, one) for ref, (kind, one) in found.items()}

    def _channels(self) -> Channels:
        kinds = (*PERSONS, *self._related_kinds())
        return Channels(
            self._api, self._modules, self._connection, self._secret, kinds, self._attributes
        )

    def _related_kinds(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in self._relations.kinds if kind in MODULES)

    def _persons(self) -> tuple[Kind, ...]:
        return tuple(
            kind for kind in PERSONS if kind == "contact" or self._modules.optional(MODULES[kind])
        )

    def _scored(self, kinds: Iterable[Kind]) -> tuple[Kind, ...]:
        """What is shown of contacts is shown of leads, where the organisation has any."""
        wanted = {*kinds, *(self._persons() if "contact" in kinds else ())}
        return tuple(kind for kind in MODULES if kind in wanted)

    def _plans(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind]
    ) -> list[Plan]:
        scored = self._scored(kinds)
        for kind in scored:
            self._modules.forget(MODULES[kind])
        return [
            plan_of(self._connection, self._modules.fields(MODULES[kind]), outputs, language, kind)
            for kind in scored
        ]

    def _hidden(self) -> Iterator[str]:
        """The fields that the policy looks at and the organisation does not show."""
        for module, name in filter(None, map(place_of, self._attributes)):
            if not self._modules.there(module, (name,)):
                yield f"{module}.{name}"

    def _resolve(self, kind: Kind, ids: Iterable[str]) -> Found:
        return resolve(self._modules, kind, ids, fields_of(kind, self._attributes))

    def _facts(
        self, kind: Kind, found: Found, now: datetime, *, history: bool
    ) -> dict[Ref, tuple[Fact, ...]]:
        related = self._relations.read(kind, found.records, history=history)
        deals = related.every("deal")
        reference = Reference(
            currency=self._connection.currency,
            zone=self._connection.time_zone,
            stages=self._modules.stages(deals) if deals else {},
            rates=self._rates.rates(amounts(deals, self._connection.currency)),
        )
        reader = Reader(self._attributes, reference, now)
        return {
            (person := self._ref(kind, one)): reader.facts(person, record, related)
            for one, record in found.records.items()
        }

    def _ref(self, kind: Kind, identity: str) -> Ref:
        return Ref(self._connection.id, kind, identity)
