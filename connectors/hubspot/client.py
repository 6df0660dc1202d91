"""Reading and writing one HubSpot account. The scored subjects are its contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from chalicelib.core.model import Kind, Language, Ref
from chalicelib.core.outputs import Fields, Output
from chalicelib.core.policy import Attribute
from connectors._http import Forbidden, Refused
from connectors._inputs import missing_inputs
from connectors.hubspot import changes, errands, provision
from connectors.hubspot import owners as owner_writes
from connectors.hubspot.api import BATCH, HubSpotApi, Matches
from connectors.hubspot.batch_write import write
from connectors.hubspot.lookup import Lookup
from connectors.hubspot.owned import PREFIX
from connectors.hubspot.records import (
    CRM,
    OBJECT_TYPES,
    TIER_GATED,
    Record,
    activity_fields,
    doing_fields,
    held_by,
    properties_of,
)
from connectors.hubspot.reference_data import ReferenceData
from connectors.hubspot.relations import Relations
from connectors.hubspot.translate import Reader
from connectors.hubspot.values import field_value, property_values


class HubSpotClient:
    """Implements ``CrmClient`` and ``TakesErrands``."""

    write_batch = BATCH

    def __init__(
        self,
        connection: Connection,
        secret: Secret,
        attributes: Sequence[Attribute],
        access: Access,
    ) -> None:
        self._connection = connection
        self._attributes = attributes
        self._properties = properties_of("contact", attributes)
        self._api = HubSpotApi(connection, secret, access)
        optional = TIER_GATED if secret.oauth else frozenset[Kind]()
        self._relations = Relations(self._api, attributes, optional)
        self._reference_data = ReferenceData(self._api, connection.currency)

    def account(self) -> Account:
        details = self._api.account()
        return Account(
            id=str(details["portalId"]),
            currency=details["companyCurrency"],
            time_zone=details["timeZone"],
        )

    def subjects(self, refs: Sequence[Ref]) -> Mapping[Ref, tuple[Ref, ...]]:
        """Contacts move themselves; records of the kinds that are read move the contacts they
        are linked to, and line items those of their deals.
        """
        led = self._relations.contacts_of(_by_kind(refs))
        itself = {ref.id: [ref.id] for ref in refs if ref.kind == "contact"}
        contacts = {**led, "contact": itself}
        return {ref: self._contacts(contacts.get(ref.kind, {}).get(ref.id, ())) for ref in refs}

    def fetch(self, subjects: Sequence[Ref], now: datetime, *, history: bool = False) -> Reading:
        past = activity_fields(self._attributes) if history else ()
        lookup = Lookup(self._api, OBJECT_TYPES["contact"], self._properties, past)
        found = lookup.resolve(one.id for one in subjects if one.kind == "contact")
        related = self._relations.read(found.records)
        reader = Reader(self._attributes, self._reference_data.of(related, now), now)
        return Reading(
            facts={
                (subject := self._ref("contact", identity)): reader.facts(
                    subject, contact, related.of(identity)
                )
                for identity, contact in found.records.items()
            },
            gone=frozenset(self._contacts(found.gone)),
            moved={
                self._ref("contact", loser): self._ref("contact", survivor)
                for loser, survivor in found.moved.items()
            },
        )

    def list_subjects(self, cursor: str | None) -> Page:
        """``total`` comes with the first page only, since it costs a call."""
        ids, following = self._api.page(OBJECT_TYPES["contact"], cursor)
        total = self._total() if cursor is None else None
        return Page(tuple(self._ref("contact", one) for one in ids), following, total)

    def changed_since(self, since: datetime, cursor: str | None) -> Page:
        """As HubSpot's search index has it, which is some seconds behind."""
        position = changes.Position.from_text(cursor) if cursor else self._beginning(since)
        kind, _ = position.stream
        found = Matches((), 0, more=False)
        with self._relations.unless_withheld(kind):
            found = changes.search(self._api, position)
        following = position.after(found, since)
        refs = tuple(self._ref(kind, record["id"]) for record in found.records)
        return Page(refs, following.to_text() if following else None)

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        # HubSpot rejects a batch that names a record twice.
        texts: dict[Kind, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for update in updates:
            texts[update.ref.kind][update.ref.id] |= property_values(update.fields)
        return {
            self._ref(kind, identity): error
            for kind, values in texts.items()
            for identity, error in write(self._api, OBJECT_TYPES[kind], values).items()
        }

    def assign(self, owners: Mapping[Ref, str]) -> Mapping[Ref, EmtiazError]:
        return {
            self._ref(kind, identity): error
            for kind, ids in _by_kind(owners).items()
            for identity, error in owner_writes.assign(
                self._api,
                OBJECT_TYPES[kind],
                {one: owners[self._ref(kind, one)] for one in ids},
            ).items()
        }

    def create_task(self, subject: Ref, errand: Errand) -> None:
        kind = subject.kind
        errands.create_task(self._api, OBJECT_TYPES[kind], kind, subject.id, errand)

    def create_note(self, subject: Ref, errand: Errand) -> None:
        kind = subject.kind
        errands.create_note(self._api, OBJECT_TYPES[kind], kind, subject.id, errand)

    def shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        """A merged record counts as gone: what its survivor shows is asked for under its name."""
        found: dict[Ref, Fields] = {}
        for kind, ids in _by_kind(refs).items():
            wanted = [one for one in outputs if kind in one.kinds]
            names = [PREFIX + one.name for one in wanted]
            for record in self._api.records(OBJECT_TYPES[kind], ids, names):
                if record["id"] in ids:
                    found[self._ref(kind, record["id"])] = _fields(record, wanted)
        return found

    def plan(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        plans = [provision.plan(self._api, outputs, language, kind) for kind in kinds]
        planned = tuple(change for todo in plans for change in todo.steps + todo.conflicts)
        return (*planned, *missing_inputs(self._hidden()))

    def provision(
        self, outputs: Sequence[Output], language: Language, kinds: Sequence[Kind] = ("contact",)
    ) -> tuple[Change, ...]:
        plans = [provision.plan(self._api, outputs, language, kind) for kind in kinds]
        for todo in plans:
            provision.carry_out(self._api, todo, language)
        return tuple(change for todo in plans for change in todo.steps)

    def _hidden(self) -> Iterator[str]:
        """The properties that the policy looks at and the account does not show."""
        for kind, object_type in OBJECT_TYPES.items():
            if wanted := {one.fields[CRM] for one in held_by(kind, self._attributes)}:
                with suppress(Forbidden):  # what may not be described may be read all the same
                    shown = {one["name"] for one in self._api.properties(object_type)}
                    yield from (f"{object_type}.{name}" for name in wanted - shown)

    def _beginning(self, since: datetime) -> changes.Position:
        kinds: tuple[Kind, ...] = ("contact", *self._relations.kinds)
        walks = changes.streams(self._api, kinds, doing_fields(self._attributes))
        return changes.Position(tuple(walks), since)

    def _total(self) -> int | None:
        try:
            return self._api.count(OBJECT_TYPES["contact"])
        except Refused:
            return None  # a progress bar can do without

    def _contacts(self, ids: Iterable[str]) -> tuple[Ref, ...]:
        return tuple(self._ref("contact", one) for one in ids)

    def _ref(self, kind: Kind, identity: str) -> Ref:
        return Ref(self._connection.id, kind, identity)


def _by_kind(refs: Iterable[Ref]) -> Mapping[Kind, Sequence[str]]:
    ids: dict[Kind, list[str]] = defaultdict(list)
    for ref in refs:
        ids[ref.kind].append(ref.id)
    return ids


def _fields(record: Record, outputs: Iterable[Output]) -> Fields:
    properties = record["properties"]
    return {one.name: field_value(properties.get(PREFIX + one.name), one.type) for one in outputs}
