"""One transaction: what is done to records, what follows from it, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from infra.sandbox.salesforce import order_status, person_accounts, roll_ups, topics
from infra.sandbox.salesforce.cascades import taken_along
from infra.sandbox.salesforce.changes import Change, Operation
from infra.sandbox.salesforce.derived import completed
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.ids import normal
from infra.sandbox.salesforce.objects import SObject
from infra.sandbox.salesforce.records import STAMPS, Actor, Record
from infra.sandbox.salesforce.rules import as_saved
from infra.sandbox.salesforce.values import to_second
from infra.sandbox.salesforce.writing import defaults, taken

if TYPE_CHECKING:
    from infra.sandbox.salesforce.org import Org


class Work:
    """``at`` is to the millisecond. Every method raises ``ApiError``."""

    def __init__(self, org: Org, by: Actor, at: datetime) -> None:
        self.org = org
        self.by = by
        self.at = at
        self._changes: list[Change] = []
        self._undoing: list[Callable[[], None]] = []

    def changes(self) -> tuple[Change, ...]:
        return tuple(self._changes)

    def undo(self) -> None:
        self._undo_to(0, 0)

    @contextmanager
    def step(self) -> Iterator[None]:
        """What raises inside has not been, and all before it has."""
        marks = len(self._undoing), len(self._changes)
        try:
            yield
        except ApiError:
            self._undo_to(*marks)
            raise

    def create(
        self,
        object_name: str,
        given: Mapping[str, object],
        created_at: datetime | None = None,
        record_id: str = "",
    ) -> Record:
        """``created_at`` lies in the past where a record was there before."""
        found = self._writable(object_name)
        at = to_second(created_at or self.at)
        values = taken(self, found.name, given, creating=True)
        order_status.refuse_creation(found.name, values)
        topics.refuse_creation(self, found.name, values)
        values = topics.filled(found.name, values, self.org)
        values = completed(found.name, {}, defaults(self.org, found, self.by) | values, at)
        record = Record(found.name, record_id or self.org.numbering.next(found.prefix))
        everything: dict[str, Value] = {"Id": record.id, **values, "IsDeleted": False}
        everything |= {"CreatedDate": at, "CreatedById": self.by.user, **_stamps(at, self.by)}
        self._check(as_saved(record, everything))
        self.org.records(found.name)[record.id] = record
        self._undoing.append(partial(self._forget, record))
        record.write(everything, created_at or self.at, self.by)
        present = {name: value for name, value in everything.items() if value is not None}
        self._note("CREATE", record, present)
        person_accounts.follow_creation(self, record)
        roll_ups.follow(self, record, present)
        return record

    def update(self, object_name: str, record_id: object, given: Mapping[str, object]) -> Record:
        found = self._writable(object_name)
        record = self.record(found.name, record_id)
        self._refuse(record)
        topics.refuse_update(self, found.name)
        values = taken(self, found.name, given, creating=False)
        order_status.refuse_update(self, record, values)
        values = completed(found.name, record.values, values, to_second(self.at))
        self._check(as_saved(record, values))
        changed = self.write(record, values)
        person_accounts.follow_update(self, record, changed)
        roll_ups.follow(self, record, changed)
        return record

    def write(
        self, record: Record, values: Mapping[str, Value], *, stamped: bool = True
    ) -> Mapping[str, Value]:
        """Without any question; returns what changed. ``stamped``: it is a change of its own."""
        self._remember(record)
        changed = record.write(values, self.at, self.by)
        if stamped:
            moved = record.write(_stamps(to_second(self.at), self.by), self.at, self.by)
            stamps = [one for one in moved if one != "SystemModstamp"]
            if changed:
                names = (*changed, *stamps)
                self._note("UPDATE", record, {name: record.value(name) for name in names})
        return {name: record.value(name) for name in changed}

    def delete(self, object_name: str, record_id: object, master: str = "") -> None:
        """Into the recycle bin, with what hangs on it. ``master`` is who it was merged into."""
        record = self.record(self._writable(object_name).name, record_id)
        order_status.refuse_deletion(record)
        topics.refuse_deletion(self, record.object)
        if self.by.is_integration:
            self._refuse(record)
        self._bury(record, "", {"MasterRecordId": master} if master else {})
        for child in taken_along(self.org, record):
            self._bury(child, record.id, {})

    def undelete(self, record_id: object) -> Record:
        """With what went along."""
        record = self.org.find(normal(record_id))
        if record is None or record.deleted_at is None or record.text("MasterRecordId"):
            raise ApiError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        for found in self.org.schema.objects():
            for one in list(self.org.records(found.name).values()):
                if one is record or one.went_with == record.id:
                    self._exhume(one)
        return record

    def purge(self, object_name: str, record_id: object) -> None:
        """For good, in the recycle bin or not."""
        here = self.org.records(object_name)
        record = here.get(normal(record_id))
        if record is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record.deleted_at is None:
            self.delete(object_name, record.id)
        for found in self.org.schema.objects():
            there = self.org.records(found.name)
            for one in [one for one in there.values() if one.went_with == record.id]:
                self._remove(there, one)
        self._remove(here, record)

    def record(self, object_name: str, record_id: object) -> Record:
        """A living one. Raises ``ApiError``."""
        if not record_id:
            raise ApiError("MISSING_ARGUMENT", "Id not specified in an update call")
        return self.org.get(object_name, normal(record_id))

    def _undo_to(self, undoing: int, changes: int) -> None:
        while len(self._undoing) > undoing:
            self._undoing.pop()()
        del self._changes[changes:]

    def _writable(self, object_name: str) -> SObject:
        found = self.org.schema.find_object(object_name)
        if found is None:
            raise ApiError("INVALID_TYPE", f"sObject type '{object_name}' is not supported.")
        if found.read_only and not self.by.is_trusted:
            message = f"entity type {found.name} does not support this operation"
            raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", message)
        return found

    def _refuse(self, record: Record) -> None:
        """What may not be edited, whatever is written."""
        if self.by.is_trusted:
            return
        if record.value("IsConverted") and record.object == "Lead":
            message = "cannot reference converted lead"
            raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", message)
        person_accounts.refuse(record)
        self.org.rules.meet(record)

    def _check(self, record: Record) -> None:
        if not self.by.is_trusted:
            self.org.rules.check(record, self.org.living(record.object), self.by)

    def _bury(self, record: Record, went_with: str, values: Mapping[str, Value]) -> None:
        self._remember(record)
        record.deleted_at, record.went_with = self.at, went_with
        stamps = _stamps(to_second(self.at), self.by)
        record.write({**values, "IsDeleted": True, **stamps}, self.at, self.by)
        self._note("DELETE", record, values)

    def _exhume(self, record: Record) -> None:
        self._remember(record)
        record.deleted_at, record.went_with = None, ""
        stamps = _stamps(to_second(self.at), self.by)
        record.write({"IsDeleted": False, **stamps}, self.at, self.by)
        self._note("UNDELETE", record, {n: v for n, v in record.values.items() if v is not None})

    def _remove(self, there: dict[str, Record], record: Record) -> None:
        del there[record.id]
        self._undoing.append(partial(there.__setitem__, record.id, record))

    def _forget(self, record: Record) -> None:
        del self.org.records(record.object)[record.id]

    def _remember(self, record: Record) -> None:
        lengths = {name: len(written) for name, written in record.history.items()}
        state = dict(record.values), record.deleted_at, record.went_with
        self._undoing.append(partial(_restore, record, lengths, state))

    def _note(self, operation: Operation, record: Record, values: Mapping[str, Value]) -> None:
        self._changes.append(Change(operation, record.object, record.id, dict(values)))


def _stamps(at: datetime, by: Actor) -> dict[str, Value]:
    return dict(zip(STAMPS, (at, by.user, at), strict=True))


def _restore(
    record: Record,
    lengths: Mapping[str, int],
    state: tuple[dict[str, Value], datetime | None, str],
) -> None:
    record.values, record.deleted_at, record.went_with = state
    record.history = {
        name: written[: lengths[name]]
        for name, written in record.history.items()
        if name in lengths
    }
