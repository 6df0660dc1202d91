"""The state of one org, to be read, and its transactions, to change it. Thread-safe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from threading import RLock

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell as spell_exactly
from infra.sandbox._serving.instants import to_milliseconds
from infra.sandbox.salesforce.changes import Transaction
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.ids import Numbering, normal
from infra.sandbox.salesforce.locks import Locks
from infra.sandbox.salesforce.records import Actor, Record
from infra.sandbox.salesforce.rules import Rules
from infra.sandbox.salesforce.schema import Schema
from infra.sandbox.salesforce.set_up import install
from infra.sandbox.salesforce.settings import Settings
from infra.sandbox.salesforce.values import to_second, wire
from infra.sandbox.salesforce.work import Work

BIN_KEEPS = timedelta(days=15)
FIRST_COMMIT = 1_790_756_092_716_501_506
"""Numbers of commits are more than a double can tell apart."""

Listener = Callable[[Transaction], None]


class Org:
    """``clock`` gives the present. Hold ``lock`` to read several things of one moment.

    Listeners hear every transaction, in their order.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.schema = Schema(settings.features)
        self.rules = Rules(self)
        self.locks = Locks(settings.lock_wait_s)
        self.numbering = Numbering()
        self.lock = RLock()
        self._clock = clock
        self._records: dict[str, dict[str, Record]] = {}
        self._listeners: list[Listener] = []
        self._commits = count(FIRST_COMMIT, 1003)
        install(self)

    def now(self) -> datetime:
        """To the millisecond; what is stored is to the second."""
        return to_milliseconds(self._clock())

    def today(self) -> datetime:
        return to_second(self._clock())

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    @contextmanager
    def transaction(self, by: Actor, *, is_silent: bool = False) -> Iterator[Work]:
        """All that is done in it becomes known at its end, or is undone if it raises."""
        with self.lock:
            work = Work(self, by, self.now())
            try:
                yield work
            except BaseException:
                work.undo()
                raise
            changes = work.changes()
            if not changes or is_silent:
                return
            done = Transaction(next(self._commits), work.at, by, changes)
            for listener in self._listeners:
                listener(done)

    # What there is

    def records(self, object_name: str) -> dict[str, Record]:
        """Everything, by id; what is deleted too."""
        return self._records.setdefault(object_name, {})

    def rows(
        self, object_name: str, ids: Collection[str] | None = None, *, deleted: bool = False
    ) -> Iterable[Record]:
        """As queries see them, in the order of their ids."""
        here = self.records(object_name)
        chosen = here.values() if ids is None else _those(here, ids)
        return [one for one in chosen if deleted or one.deleted_at is None]

    def living(self, object_name: str) -> Iterable[Record]:
        return self.rows(object_name)

    def find(self, record_id: str) -> Record | None:
        """Of any kind, deleted ones too."""
        found = self.schema.by_prefix.get(record_id[:3])
        return self.records(found.name).get(record_id) if found else None

    def get(self, object_name: str, record_id: str) -> Record:
        """A living one, by either form of its id. Raises ``ApiError``."""
        found = self.records(object_name).get(normal(record_id))
        if found is None:
            raise missing()
        if found.deleted_at is not None:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted")
        return found

    def value(self, object_name: str, record_id: str, name: str) -> Value:
        return self.get(object_name, record_id).value(name)

    def dump(self) -> Wire:
        """Everything, by kind: records as they are, deleted ones too, with who wrote what when."""
        with self.lock:
            return {
                found.name: [_dumped(one) for one in self.records(found.name).values()]
                for found in self.schema.objects()
            }

    def empty_old_bins(self) -> None:
        """What has lain in the recycle bin for long is gone."""
        oldest = self.now() - BIN_KEEPS
        with self.lock:
            for here in self._records.values():
                old = [key for key, one in here.items() if _is_older(one, oldest)]
                for key in old:
                    del here[key]


def missing() -> ApiError:
    return ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)


def _those(here: dict[str, Record], ids: Collection[str]) -> list[Record]:
    found = (here.get(one) for one in dict.fromkeys(map(normal, ids)))
    return sorted((one for one in found if one), key=lambda one: one.id)


def _is_older(record: Record, oldest: datetime) -> bool:
    return record.deleted_at is not None and record.deleted_at < oldest


def _dumped(record: Record) -> Wire:
    return {
        "Id": record.id,
        **{name: wire(value) for name, value in record.values.items()},
        "history": {
            name: [
                {"value": wire(one.value), "at": spell_exactly(one.at), "by": one.by.user}
                for one in written
            ]
            for name, written in record.history.items()
        },
    }
