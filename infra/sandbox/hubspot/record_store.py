"""Where the records of a portal are kept, and where those that were merged away have gone."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from itertools import count

from infra.sandbox.hubspot.errors import conflict
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    KINDS,
    LINE_ITEMS,
    NOTES,
    PRODUCTS,
    TASKS,
    TICKETS,
    End,
    ObjectType,
    Record,
)

_FIRST_IDS = {
    CONTACTS: 501,
    COMPANIES: 2001,
    DEALS: 9001,
    TICKETS: 30001,
    PRODUCTS: 40001,
    LINE_ITEMS: 50001,
    FEEDBACK_SUBMISSIONS: 60001,
    TASKS: 70001,
    NOTES: 80001,
}


class RecordStore:
    """Archived records are kept with the others. Not thread-safe."""

    def __init__(self) -> None:
        self._records: dict[ObjectType, dict[str, Record]] = {kind: {} for kind in KINDS}
        self._ids = {kind: count(_FIRST_IDS[kind]) for kind in KINDS}
        self._order: dict[ObjectType, list[int]] = {kind: [] for kind in KINDS}
        self._heirs: dict[End, str] = {}
        self._by_email: dict[str, Record] = {}  # may be stale: asked with a second look

    def find(self, kind: ObjectType, record_id: str) -> Record | None:
        return self._records[kind].get(record_id)

    def survivor_of(self, kind: ObjectType, record_id: str) -> str:
        """The id that a record goes by after all merges; the same one without any."""
        while heir := self._heirs.get((kind, record_id)):
            record_id = heir
        return record_id

    def all(self, kind: ObjectType, after: int = 0) -> Iterator[Record]:
        """In the order of their ids, from the first one above ``after``."""
        ids, records = self._order[kind], self._records[kind]
        for position in range(bisect_right(ids, after), len(ids)):
            yield records[str(ids[position])]

    def free_id(self, kind: ObjectType) -> str:
        taken = self._records[kind]
        return next(new for n in self._ids[kind] if (new := str(n)) not in taken)

    def add(self, record: Record) -> None:
        if record.id in self._records[record.kind] or (record.kind, record.id) in self._heirs:
            raise conflict(f"Record {record.id} already exists")
        self._records[record.kind][record.id] = record
        insort(self._order[record.kind], int(record.id))

    def remove(self, record: Record) -> None:
        """Without a trace."""
        del self._records[record.kind][record.id]
        self._order[record.kind].remove(int(record.id))

    def replace(self, record: Record, heir: Record) -> None:
        """The record is gone; its id leads to its heir."""
        self.remove(record)
        self._heirs[record.kind, record.id] = heir.id

    def note_email(self, record: Record, address: str) -> None:
        self._by_email[address] = record

    def holder_of(self, address: str) -> Record | None:
        """The live contact that has this address, be it a secondary one."""
        holder = self._by_email.get(address)
        if holder is None or holder.archived_at:
            return None
        if self._records[CONTACTS].get(holder.id) is not holder:
            return None
        return holder if address in addresses(holder) else None


def addresses(contact: Record) -> list[str]:
    """The main one first."""
    all_of_them = [contact.value("email"), *contact.value("hs_additional_emails").split(";")]
    return [address for address in all_of_them if address]
