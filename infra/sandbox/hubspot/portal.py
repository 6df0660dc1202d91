"""One HubSpot account, and all that can be done to it. Thread-safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from infra.sandbox._serving.instants import spell, to_milliseconds
from infra.sandbox.hubspot.account import Account
from infra.sandbox.hubspot.associations import KINSHIPS
from infra.sandbox.hubspot.changes import (
    AssociationChanged,
    Change,
    Created,
    Deleted,
    Erased,
    Merged,
    PropertyChanged,
    Restored,
)
from infra.sandbox.hubspot.errors import conflict, invalid, not_found
from infra.sandbox.hubspot.merging import absorb, hand_over
from infra.sandbox.hubspot.pipelines import default_pipeline, pipeline
from infra.sandbox.hubspot.records import CONTACTS, DEALS, IMPORT, Actor, End, ObjectType, Record
from infra.sandbox.hubspot.settings import AppToken, Settings

__all__ = ["AppToken", "Portal", "Settings"]

RESTORABLE_FOR = timedelta(days=90)


class Portal(Account):
    """Listeners hear every change in its order."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(settings, clock)
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    def create(self, kind: ObjectType, properties: Mapping[str, str], by: Actor) -> Record:
        with self.lock:
            record = self._insert(kind, properties, by, created_at=self.now())
            self._announce(Created(kind, record.id, record.created_at, by))
            return record

    def update(
        self,
        kind: ObjectType,
        record_id: str,
        properties: Mapping[str, str],
        by: Actor,
        *,
        moves_date: bool = True,
    ) -> Record:
        with self.lock:
            record = self.get(kind, record_id)
            stored = self.schema.stored(kind, properties, by, record)
            self._enforce_rules(record, stored, by)
            self._refuse_taken_email(stored, record)
            at = self.now()
            changed = self._write(record, stored, at, by, moves_date=moves_date)
            for name in changed:
                self._announce_property(record, name, at, by)
            return record

    def archive(self, kind: ObjectType, record_id: str, by: Actor) -> None:
        """Hidden, and restorable for 90 days."""
        with self.lock:
            record = self.get(kind, record_id)
            record.archived_at = at = self.now()
            links = self.associations.bury((kind, record.id))
            self._announce(Deleted(kind, record.id, at, by))
            if self.guesses.deletion_rings_associations:
                for other, primary in links.items():
                    ends = (kind, record.id), other
                    self._announce_link(*ends, at, by, removed=True, primary=primary)

    def restore(self, kind: ObjectType, record_id: str, by: Actor) -> Record:
        with self.lock:
            record, at = self.get(kind, record_id, archived=True), self.now()
            if record.archived_at and at - record.archived_at > RESTORABLE_FOR:
                raise not_found(f"Object {record_id} was deleted too long ago", ids=[record_id])
            self._refuse_taken_email({"email": record.value("email")}, record)
            record.archived_at, record.updated_at = None, at
            if self.guesses.restore_keeps_associations:
                self.associations.revive((kind, record.id), self._present)
            self._announce(Restored(kind, record.id, at, by))
            return record

    def erase(self, record_id: str, by: Actor) -> None:
        """A privacy deletion: the contact, its history and its associations are gone for good."""
        with self.lock:
            own_id = self._store.survivor_of(CONTACTS, record_id)
            record = self._store.find(CONTACTS, own_id)
            if record is None:
                raise not_found(f"Object not found. objectId: {record_id}", ids=[record_id])
            self._store.remove(record)
            self.associations.erase((CONTACTS, own_id))
            erased = CONTACTS, own_id, self.now(), by
            changes: list[Change] = [Erased(*erased), Deleted(*erased)]
            if self.guesses.erasure_order == "deletion_first":
                changes.reverse()
            for change in changes:
                self._announce(change)

    def merge(
        self,
        kind: ObjectType,
        primary_id: str,
        other_ids: Sequence[str],
        by: Actor,
        *,
        new_id: bool | None = None,
    ) -> Record:
        """One record of several. It keeps the primary's id, or gets a new one; HubSpot does both.
        None leaves it to the guesses.

        Values of the primary win, associations are joined, old ids lead to the survivor.
        """
        with self.lock:
            primary, *others = (self.get(kind, one) for one in (primary_id, *other_ids))
            if len({one.id for one in (primary, *others)}) < 1 + max(1, len(others)):
                raise invalid("A record cannot be merged into itself")
            new_id = self.guesses.merge_gives_new_id if new_id is None else new_id
            at, merging = self.now(), replace(by, source_type="MERGE_OBJECTS")
            survivor = primary.copy(self._store.free_id(kind)) if new_id else primary
            moved = absorb(survivor, others, at, merging)
            gone = [primary, *others] if new_id else others
            hand_over(self._store, self.associations, survivor, gone, at)
            merged_ids = tuple(one.id for one in others)
            self._announce(Merged(kind, primary.id, at, merging, merged_ids, survivor.id, moved))
            return survivor

    def associate(self, one: End, other: End, by: Actor, *, primary: bool = False) -> None:
        with self.lock:
            one, other = self._related(one, other, primary=primary)
            at = self.now()
            for flag in self.associations.join(one, other, primary=primary):
                self._touch_ends(one, other, at)
                self._announce_link(one, other, at, by, removed=False, primary=flag)

    def dissociate(self, one: End, other: End, by: Actor) -> None:
        with self.lock:
            one, other = self._related(one, other, primary=False)
            at = self.now()
            if self.associations.part(one, other):
                self._touch_ends(one, other, at)
                self._announce_link(one, other, at, by, removed=True, primary=False)

    def win_deal(self, deal_id: str, by: Actor) -> Record:
        """As a rep drags a deal to the won column: the close date becomes the present."""
        with self.lock:
            deal = self.get(DEALS, deal_id)
            found = pipeline(DEALS, deal.value("pipeline"))
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
            self.associations.join(*self._related(one, other, primary=primary), primary=primary)

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
        record = Record(kind, record_id or self._store.free_id(kind), created_at, created_at)
        self._enforce_rules(record, stored, by)
        self._refuse_taken_email(stored, record)
        self._store.add(record)
        self._write(record, stored, created_at, by)
        return record

    def _enforce_rules(self, record: Record, stored: Mapping[str, str], by: Actor) -> None:
        def read(name: str) -> str:
            return stored[name] if name in stored else self.value(record, name)

        self.rules.enforce(record.kind, read, stored.keys(), by)

    def _refuse_taken_email(self, stored: Mapping[str, str], record: Record) -> None:
        address = stored.get("email") if record.kind is CONTACTS else None
        holder = self._store.holder_of(address) if address else None
        if holder and holder is not record:
            raise conflict(f"Contact already exists. Existing ID: {holder.id}")

    def _write(
        self,
        record: Record,
        stored: Mapping[str, str],
        at: datetime,
        by: Actor,
        *,
        moves_date: bool = True,
    ) -> tuple[str, ...]:
        if record.kind is CONTACTS and stored.get("email"):
            self._store.note_email(record, stored["email"])
        return record.write(stored, at, by, moves_date=moves_date)

    def _related(self, one: End, other: End, *, primary: bool) -> tuple[End, End]:
        """Both ends by their present ids. Raises ``ApiError`` for those that cannot be joined."""
        kinship = KINSHIPS.get((one[0], other[0]))
        if kinship is None or (primary and kinship.primary is None):
            raise invalid(f"No such association from {one[0].name} to {other[0].name}")
        start, stop = (self.get(kind, record_id) for kind, record_id in (one, other))
        ends = (start.kind, start.id), (stop.kind, stop.id)
        if self.associations.adopted(*ends):
            raise invalid("A line item belongs to one deal")
        return ends

    def _present(self, end: End) -> End | None:
        kind, record_id = end[0], self._store.survivor_of(*end)
        return (kind, record_id) if self.find(kind, record_id) else None

    def _touch_ends(self, one: End, other: End, at: datetime) -> None:
        if self.guesses.associations_move_dates:
            for kind, record_id in (one, other):
                self.get(kind, record_id).updated_at = at

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


def _with_defaults(kind: ObjectType, properties: Mapping[str, str]) -> Mapping[str, str]:
    if kind.stage_properties is None:
        return properties
    return {kind.stage_properties[0]: default_pipeline(kind), **properties}
