"""The state of one HubSpot account, to be read. Thread-safe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from threading import RLock

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import to_milliseconds
from infra.sandbox.hubspot.admin_rules import AdminRules
from infra.sandbox.hubspot.associations import Associations
from infra.sandbox.hubspot.calculated import FORMULAS
from infra.sandbox.hubspot.currencies import Currencies
from infra.sandbox.hubspot.dump import dumped
from infra.sandbox.hubspot.errors import not_found
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.record_store import RecordStore
from infra.sandbox.hubspot.records import COMPANIES, KINDS, ObjectType, Record, Written
from infra.sandbox.hubspot.schema import Schema
from infra.sandbox.hubspot.settings import Settings


class Account:
    """``clock`` gives the present. Hold ``lock`` to read several things of one moment."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.guesses = Guesses()
        self.rules = AdminRules()
        now = to_milliseconds(clock())
        self.currencies = Currencies(settings.currency, settings.exchange_rates, now)
        self.schema = Schema(self.currencies.codes)
        self.associations = Associations()
        self.lock = RLock()
        self._clock = clock
        self._store = RecordStore()

    def now(self) -> datetime:
        return to_milliseconds(self._clock())

    def records(self, kind: ObjectType, *, archived: bool = False) -> tuple[Record, ...]:
        """In the order of their ids."""
        return self.page(kind, 0, None, archived=archived)

    def page(
        self, kind: ObjectType, after: int, limit: int | None, *, archived: bool = False
    ) -> tuple[Record, ...]:
        """Those that follow the id ``after``, up to ``limit``."""
        with self.lock:
            following = self._store.all(kind, after)
            found = (one for one in following if bool(one.archived_at) is archived)
            return tuple(islice(found, limit))

    def indexed(self, kind: ObjectType) -> tuple[Record, ...]:
        """As a search sees them: some time ago, and of what is archived by now nothing."""
        at = self.now() - self.settings.index_lag
        with self.lock:
            found = self.records(kind)
            if not self.settings.index_lag:
                return found
            return tuple(then for one in found if (then := one.as_of(at)))

    def find(self, kind: ObjectType, record_id: str, *, archived: bool = False) -> Record | None:
        """By its own id, not by one that it had before a merge."""
        found = self._store.find(kind, record_id)
        return found if found and bool(found.archived_at) is archived else None

    def get(self, kind: ObjectType, record_id: str, *, archived: bool = False) -> Record:
        """By any id it ever had. Raises the 404."""
        found = self.find(kind, self._store.survivor_of(kind, record_id), archived=archived)
        if found is None:
            raise not_found(f"Object not found. objectId: {record_id}", ids=[record_id])
        return found

    def survivor_of(self, kind: ObjectType, record_id: str) -> str:
        """The id of a record after all its merges; any other id stays as it is."""
        return self._store.survivor_of(kind, record_id)

    def contact_by_email(self, address: str) -> Record:
        found = self._store.holder_of(address.lower())
        if found is None:
            raise not_found(f"No contact has the address {address}", ids=[address])
        return found

    def linked(self, record: Record, kind: ObjectType) -> tuple[Record, ...]:
        with self.lock:
            ids = self.associations.of((record.kind, record.id), kind)
            return tuple(one for to in ids if (one := self._store.find(kind, to)))

    def primary_company(self, record: Record) -> str:
        return self.associations.primary((record.kind, record.id), COMPANIES) or ""

    def value(self, record: Record, name: str) -> str:
        """A stored or calculated property; the empty text where there is none."""
        formula = FORMULAS[record.kind].get(name)
        return formula(record, self) if formula else record.value(name)

    def property_history(self, kind: ObjectType, record_id: str, name: str) -> list[Written]:
        """Everything that a property ever was, oldest first; deleted records count too."""
        with self.lock:
            found = self._store.find(kind, self._store.survivor_of(kind, record_id))
            if found is None:
                raise not_found(f"Object not found. objectId: {record_id}", ids=[record_id])
            return found.written(name)

    def histories(self, kind: ObjectType, name: str) -> dict[str, list[Written]]:
        """The same of all records that ever had the property, by id."""
        with self.lock:
            found = {one.id: one.written(name) for one in self._store.all(kind)}
        return {record_id: written for record_id, written in found.items() if written}

    def dump(self) -> Wire:
        """Everything: records with their whole history, and who belongs to whom."""
        with self.lock:
            return {
                kind.name: [dumped(one, self.associations) for one in self._store.all(kind)]
                for kind in KINDS
            }
