"""The state of one HubSpot account, and all that can be done to it. Thread-safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import RLock

from infra.sandbox.hubspot.associations import KINSHIPS, Associations, End
from infra.sandbox.hubspot.calculated import FORMULAS
from infra.sandbox.hubspot.changes import (
    AssociationChanged,
    Change,
    Created,
    Deleted,
    PropertyChanged,
)
from infra.sandbox.hubspot.errors import Wire, conflict, invalid, not_found
from infra.sandbox.hubspot.instants import spell, to_milliseconds
from infra.sandbox.hubspot.pipelines import pipeline
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    IMPORT,
    Actor,
    ObjectType,
    Record,
)
from infra.sandbox.hubspot.schema import Schema

KINDS = (CONTACTS, COMPANIES, DEALS)


@dataclass(frozen=True, slots=True)
class AppToken:
    """A static token. ``scopes`` None stands for every scope."""

    app_id: int
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What is fixed while the portal runs. Currencies beyond the home one are configured too.

    ``index_lag`` is how far the search index is behind; in HubSpot it is seconds.
    """

    portal_id: int = 62515
    currency: str = "USD"
    additional_currencies: tuple[str, ...] = ("EUR",)
    time_zone: str = "Asia/Tehran"
    index_lag: timedelta = timedelta(0)
    tokens: Mapping[str, AppToken] = field(
        default_factory=lambda: {"stand-in-token": AppToken(54321)}
    )


class Portal:
    """``clock`` gives the present; listeners hear every change in its order."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.schema = Schema((settings.currency, *settings.additional_currencies))
        self.associations = Associations()
        self.lock = RLock()
        self._clock = clock
        self._records: dict[ObjectType, dict[str, Record]] = {kind: {} for kind in KINDS}
        self._ids = {CONTACTS: count(501), COMPANIES: count(2001), DEALS: count(9001)}
        self._by_email: dict[str, Record] = {}  # may be stale: asked with a second look
        self._listeners: list[Callable[[Change], None]] = []

    def now(self) -> datetime:
        return to_milliseconds(self._clock())

    def listen(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    # Reading

    def records(self, kind: ObjectType, *, archived: bool = False) -> tuple[Record, ...]:
        """In the order of their ids."""
        with self.lock:
            found = [
                one for one in self._records[kind].values() if bool(one.archived_at) is archived
            ]
            return tuple(sorted(found, key=lambda record: int(record.id)))

    def indexed(self, kind: ObjectType) -> tuple[Record, ...]:
        """As a search sees them: some time ago, and of what is archived by now nothing."""
        at = self.now() - self.settings.index_lag
        with self.lock:
            found = self.records(kind)
            if not self.settings.index_lag:
                return found
            return tuple(then for one in found if (then := one.as_of(at)))

    def find(self, kind: ObjectType, record_id: str) -> Record | None:
        found = self._records[kind].get(record_id)
        return None if found is None or found.archived_at else found

    def get(self, kind: ObjectType, record_id: str) -> Record:
        found = self.find(kind, record_id)
        if found is None:
            raise not_found(f"Object not found. objectId: {record_id}", ids=[record_id])
        return found

    def linked(self, record: Record, kind: ObjectType) -> tuple[Record, ...]:
        with self.lock:
            ids = self.associations.of((record.kind, record.id), kind)
            return tuple(one for one in map(self._records[kind].get, ids) if one)

    def value(self, record: Record, name: str) -> str:
        """A stored or calculated property; the empty text where there is none."""
        system = {
            "hs_object_id": record.id,
            "createdate": spell(record.created_at),
            record.kind.modified: spell(record.updated_at),
        }
        if name in system:
            return system[name]
        if name == "associatedcompanyid":
            return self.associations.primary((record.kind, record.id), COMPANIES) or ""
        formula = FORMULAS[record.kind].get(name)
        if formula is None:
            return record.value(name)
        return formula(record, () if record.kind is DEALS else self.linked(record, DEALS))

    # Changing

    def create(self, kind: ObjectType, properties: Mapping[str, str], by: Actor) -> Record:
        with self.lock:
            record = self._insert(kind, properties, by, created_at=self.now())
            self._announce(Created(kind, record.id, record.created_at, by))
            return record

    def update(
        self, kind: ObjectType, record_id: str, properties: Mapping[str, str], by: Actor
    ) -> Record:
        with self.lock:
            record = self.get(kind, record_id)
            stored = self.schema.stored(kind, properties, by, record)
            self._refuse_taken_email(kind, stored, record_id)
            at = self.now()
            changed = self._write(record, stored, at, by)
            for name in changed:
                self._announce_property(record, name, at, by)
            return record

    def archive(self, kind: ObjectType, record_id: str, by: Actor) -> None:
        with self.lock:
            record = self.get(kind, record_id)
            record.archived_at = at = self.now()
            self.associations.forget((kind, record_id))
            self._announce(Deleted(kind, record_id, at, by))

    def associate(self, one: End, other: End, by: Actor, *, primary: bool = False) -> None:
        with self.lock:
            self._refuse_strangers(one, other, primary=primary)
            at = self.now()
            for flag in self.associations.join(one, other, primary=primary):
                self._announce_link(one, other, at, by, removed=False, primary=flag)

    def dissociate(self, one: End, other: End, by: Actor) -> None:
        with self.lock:
            self._refuse_strangers(one, other, primary=False)
            if self.associations.part(one, other):
                self._announce_link(one, other, self.now(), by, removed=True, primary=False)

    def win_deal(self, deal_id: str, by: Actor) -> Record:
        """As a rep drags a deal to the won column: the close date becomes the present."""
        with self.lock:
            deal = self.get(DEALS, deal_id)
            found = pipeline(deal.value("pipeline"))
            if found is None:
                raise invalid(f"Deal {deal_id} is in no pipeline")
            stage = found.won_stage().id
            closing = {"dealstage": stage, "closedate": spell(self.now())}
            return self.update(DEALS, deal_id, closing, by)

    def load(
        self,
        kind: ObjectType,
        properties: Mapping[str, str],
        *,
        created_at: datetime | None = None,
        record_id: str | None = None,
    ) -> Record:
        """A record that was there before: no webhook rings, read-only properties are taken."""
        with self.lock:
            created = to_milliseconds(created_at) if created_at else self.now()
            return self._insert(kind, properties, IMPORT, created_at=created, record_id=record_id)

    def load_link(self, one: End, other: End, *, primary: bool = False) -> None:
        with self.lock:
            self._refuse_strangers(one, other, primary=primary)
            self.associations.join(one, other, primary=primary)

    def dump(self) -> Wire:
        """Everything: records with their whole history, and who belongs to whom."""
        with self.lock:
            return {
                kind.name: [self._dumped(one) for one in self._records[kind].values()]
                for kind in KINDS
            }

    def _insert(
        self,
        kind: ObjectType,
        properties: Mapping[str, str],
        by: Actor,
        *,
        created_at: datetime,
        record_id: str | None = None,
    ) -> Record:
        stored = self.schema.stored(kind, _with_defaults(kind, properties), by, None)
        self._refuse_taken_email(kind, stored, record_id)
        record_id = record_id or self._free_id(kind)
        if record_id in self._records[kind]:
            raise conflict(f"Record {record_id} already exists")
        record = Record(kind, record_id, created_at, created_at)
        self._write(record, stored, created_at, by)
        self._records[kind][record_id] = record
        return record

    def _free_id(self, kind: ObjectType) -> str:
        return next(new for n in self._ids[kind] if (new := str(n)) not in self._records[kind])

    def _refuse_taken_email(
        self, kind: ObjectType, stored: Mapping[str, str], own_id: str | None
    ) -> None:
        address = stored.get("email")
        holder = self._by_email.get(address) if kind is CONTACTS and address else None
        if holder is None or holder.archived_at or holder.id == own_id:
            return
        if holder.value("email") == address:
            raise conflict(f"Contact already exists. Existing ID: {holder.id}")

    def _write(
        self, record: Record, stored: Mapping[str, str], at: datetime, by: Actor
    ) -> tuple[str, ...]:
        if record.kind is CONTACTS and stored.get("email"):
            self._by_email[stored["email"]] = record
        return record.write(stored, at, by)

    def _refuse_strangers(self, one: End, other: End, *, primary: bool) -> None:
        kinship = KINSHIPS.get((one[0], other[0]))
        if kinship is None or (primary and kinship.primary is None):
            raise invalid(f"No such association from {one[0].name} to {other[0].name}")
        for kind, record_id in (one, other):
            self.get(kind, record_id)

    def _announce_property(self, record: Record, name: str, at: datetime, by: Actor) -> None:
        # HubSpot is reported to ring for no calculated property, whoever moved it.
        if not self.schema.definition(record.kind, name).calculated:
            value = record.value(name)
            self._announce(PropertyChanged(record.kind, record.id, at, by, name, value))

    def _announce_link(
        self, one: End, other: End, at: datetime, by: Actor, *, removed: bool, primary: bool
    ) -> None:
        for (kind, own), (to_kind, to_id) in ((one, other), (other, one)):
            self._announce(AssociationChanged(kind, own, at, by, to_kind, to_id, removed, primary))

    def _announce(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    def _dumped(self, record: Record) -> Wire:
        return {
            "id": record.id,
            "createdAt": spell(record.created_at),
            "updatedAt": spell(record.updated_at),
            "archived": record.archived_at is not None,
            "properties": {name: record.value(name) for name in record.history},
            "history": {
                name: [revision.to_json() for revision in reversed(revisions)]
                for name, revisions in record.history.items()
            },
            "associations": {
                kind.name: {
                    to: sorted(types)
                    for to, types in self.associations.of((record.kind, record.id), kind).items()
                }
                for kind in KINDS
            },
        }


def _with_defaults(kind: ObjectType, properties: Mapping[str, str]) -> Mapping[str, str]:
    return {"pipeline": "default", **properties} if kind is DEALS else properties
