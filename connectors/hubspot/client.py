"""Reading and writing one HubSpot account. The scored subjects are its contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from chalicelib.core.card import Output
from chalicelib.core.connector import Access, Account, Change, Connection, Page, Secret, Update
from chalicelib.core.errors import EmtiazError
from chalicelib.core.facts import Fact
from chalicelib.core.model import Kind, Language, Ref
from chalicelib.core.policy import Attribute
from connectors._http import Refused
from connectors.hubspot import provision
from connectors.hubspot.api import BATCH, HubSpotApi
from connectors.hubspot.batch_write import write
from connectors.hubspot.translate import (
    OBJECT_TYPES,
    Reader,
    Record,
    Stages,
    held_by,
    linked_ids,
    place,
    properties_of,
    property_values,
    stage_statuses,
)

PIPELINES_LIVE = timedelta(minutes=10)
UNKNOWN_STAGE_LIVES = timedelta(minutes=1)
"""A stage that we have not seen is looked up sooner, though not at every deal in it."""


class HubSpotClient:
    """Implements ``CrmClient``."""

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
        self._api = HubSpotApi(connection, secret, access)
        self._pipelines = _Pipelines(self._api)

    def account(self) -> Account:
        details = self._api.account()
        return Account(
            id=str(details["portalId"]),
            currency=details["companyCurrency"],
            time_zone=details["timeZone"],
        )

    def subjects(self, refs: Sequence[Ref]) -> Mapping[Ref, tuple[Ref, ...]]:
        """Contacts move themselves; deals move the contacts they are linked to, and so do
        companies if the policy looks at them.
        """
        moved: dict[Ref, tuple[Ref, ...]] = {
            ref: (ref,) if ref.kind == "contact" else () for ref in refs
        }
        for kind in self._related_kinds():
            linked = self._linked(kind, "contact", (ref.id for ref in refs if ref.kind == kind))
            for identity, contacts in linked.items():
                moved[self._ref(kind, identity)] = tuple(
                    self._ref("contact", contact) for contact in contacts
                )
        return moved

    def fetch(self, subjects: Sequence[Ref], now: datetime) -> Mapping[Ref, tuple[Fact, ...]]:
        wanted = [subject for subject in subjects if subject.kind == "contact"]
        contacts = self._records("contact", (subject.id for subject in wanted))
        related = {kind: self._related(kind, contacts) for kind in self._related_kinds()}
        stages = self._pipelines.statuses(chain.from_iterable(related["deal"].values()), now)
        reader = Reader(self._attributes, self._connection.currency, stages, now)
        return {
            subject: reader.facts(
                subject,
                contacts[subject.id],
                {kind: records[subject.id] for kind, records in related.items()},
            )
            for subject in wanted
            if subject.id in contacts
        }

    def list_subjects(self, cursor: str | None) -> Page:
        """``total`` comes with the first page only, since it costs a call."""
        ids, following = self._api.page(OBJECT_TYPES["contact"], cursor)
        total = self._total() if cursor is None else None
        return Page(tuple(self._ref("contact", one) for one in ids), following, total)

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

    def plan(self, outputs: Sequence[Output], language: Language) -> tuple[Change, ...]:
        todo = provision.plan(self._api, outputs, language)
        return todo.steps + todo.conflicts

    def provision(self, outputs: Sequence[Output], language: Language) -> tuple[Change, ...]:
        todo = provision.plan(self._api, outputs, language)
        provision.carry_out(self._api, todo, language)
        return todo.steps

    def _related_kinds(self) -> tuple[Kind, ...]:
        """Deals are purchases; companies are read only for a policy that looks at them."""
        return ("deal", "account") if held_by("account", self._attributes) else ("deal",)

    def _related(self, kind: Kind, contacts: Iterable[str]) -> dict[str, list[Record]]:
        """Linked records by contact id; a link may outlive its record by a moment."""
        linked = self._linked("contact", kind, contacts)
        records = self._records(kind, chain.from_iterable(linked.values()))
        return {
            contact: [records[one] for one in ids if one in records]
            for contact, ids in linked.items()
        }

    def _records(self, kind: Kind, ids: Iterable[str]) -> dict[str, Record]:
        return self._api.records(OBJECT_TYPES[kind], ids, properties_of(kind, self._attributes))

    def _linked(self, source: Kind, target: Kind, ids: Iterable[str]) -> dict[str, list[str]]:
        found = self._api.associations(OBJECT_TYPES[source], OBJECT_TYPES[target], ids)
        return {identity: linked_ids(associations) for identity, associations in found.items()}

    def _total(self) -> int | None:
        try:
            return self._api.count(OBJECT_TYPES["contact"])
        except Refused:
            return None  # a progress bar can do without

    def _ref(self, kind: Kind, identity: str) -> Ref:
        return Ref(self._connection.id, kind, identity)


@dataclass(slots=True)
class _Pipelines:
    """What each deal stage means, read again when old."""

    api: HubSpotApi
    known: Stages = field(default_factory=dict)
    read_at: datetime | None = None

    def statuses(self, deals: Iterable[Record], now: datetime) -> Stages:
        places = {place(deal) for deal in deals}
        lifetime = PIPELINES_LIVE if places <= self.known.keys() else UNKNOWN_STAGE_LIVES
        if places and (self.read_at is None or now - self.read_at > lifetime):
            self.known, self.read_at = stage_statuses(self.api.deal_pipelines()), now
        return self.known
