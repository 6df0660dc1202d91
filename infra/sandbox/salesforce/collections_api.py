"""Up to 200 records written, or 2,000 read, in one call: results by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from time import sleep

from flask import Blueprint, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.gate import caller, root
from infra.sandbox.salesforce.ids import is_id, normal
from infra.sandbox.salesforce.locks import unable_to_lock
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.rendering import rendered, seen_names
from infra.sandbox.salesforce.rows_api import refused
from infra.sandbox.salesforce.rules import counted
from infra.sandbox.salesforce.work import Work

MOST_WRITTEN = 200
MOST_READ = 2000
MOST_CHUNKS = 10
MOST_REPEATED = 12

Write = Callable[[Work, Wire], str]
"""Of one entry of a request; gives the record's id."""


class CollectionsApi:
    """``written`` counts calls that wrote, by the kind of their first record."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.written: Counter[str] = Counter()

    def blueprint(self) -> Blueprint:
        api = Blueprint("collections", __name__, url_prefix="/composite/sobjects")
        api.post("")(self.create)
        api.patch("")(self.update)
        api.delete("")(self.delete)
        api.get("/<object_name>")(self.read)
        api.post("/<object_name>")(self.read_many)
        return api

    def create(self) -> list[Wire]:
        return self._write(_created)

    def update(self) -> list[Wire]:
        return self._write(_updated)

    def delete(self) -> list[Wire]:
        ids = [one for one in request.args.get("ids", "").split(",") if one]
        all_or_none = request.args.get("allOrNone") == "true"
        return self._carry_out([{"id": one} for one in ids], _deleted, all_or_none=all_or_none)

    def read(self, object_name: str) -> list[Wire | None]:
        lists = {name: request.args.get(name, "").split(",") for name in ("ids", "fields")}
        return self._rows(object_name, lists["ids"], lists["fields"])

    def read_many(self, object_name: str) -> list[Wire | None]:
        body = request_body.json_object(refused)
        lists = [request_body.names(body, name, refused) for name in ("ids", "fields")]
        return self._rows(object_name, *lists)

    def _rows(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str]
    ) -> list[Wire | None]:
        found = self._org.schema.object(object_name)
        if len(ids) > MOST_READ:
            raise ApiError("EXCEEDED_ID_LIMIT", f"at most {MOST_READ} ids in one call")
        if not fields or not fields[0]:
            raise ApiError("MISSING_ARGUMENT", "fields is required")
        names = seen_names(self._org.schema, found.name, fields)
        with self._org.lock:
            rows = [self._living(found.name, one) for one in ids]
            schema = self._org.schema
            return [rendered(schema, one, names, root()) if one else None for one in rows]

    def _living(self, object_name: str, record_id: str) -> Record | None:
        found = self._org.find(normal(record_id)) if is_id(record_id) else None
        if found is None or found.object != object_name or found.deleted_at is not None:
            return None
        return found

    def _write(self, write: Write) -> list[Wire]:
        body = request_body.json_object(refused)
        entries = request_body.objects(body, "records", refused)
        for entry in entries:
            _refuse_untyped(entry)
        chunks = [kind for kind, _ in groupby(_kind(entry) for entry in entries)]
        if len(chunks) > MOST_CHUNKS:
            message = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation."
            raise ApiError("LIMIT_EXCEEDED", message)
        self.written[chunks[0] if chunks else ""] += 1
        return self._carry_out(entries, write, all_or_none=bool(body.get("allOrNone")))

    def _carry_out(self, entries: Sequence[Wire], write: Write, *, all_or_none: bool) -> list[Wire]:
        if not entries:
            raise ApiError("REQUIRED_FIELD_MISSING", "At least 1 record is required")
        if len(entries) > MOST_WRITTEN:
            message = f"record limit reached. cannot submit more than {MOST_WRITTEN} records"
            raise ApiError("EXCEEDED_ID_LIMIT", message)
        with (
            self._busy(entries) as unlocked,
            self._org.transaction(caller(self._org.settings.guesses)) as work,
        ):
            often = counted((str(_given_id(one)) for one in entries), MOST_REPEATED)
            results = [self._result(work, one, write, unlocked, often) for one in entries]
            if not all_or_none or all(one["success"] for one in results):
                return results
            work.undo()
        return [one if not one["success"] else _rolled_back() for one in results]

    def _result(
        self,
        work: Work,
        entry: Wire,
        write: Write,
        unlocked: frozenset[str],
        often: frozenset[str],
    ) -> Wire:
        try:
            with work.step():
                self._meet_locks(entry, unlocked)
                _refuse_repeated(entry, often)
                written = write(work, entry)
        except ApiError as error:
            return {"success": False, "errors": [error.entry()]}
        return {"id": written, "success": True, "errors": []}

    @contextmanager
    def _busy(self, entries: Sequence[Wire]) -> Iterator[frozenset[str]]:
        """Hold the rows of all, for as long as a write takes; gives those held by others."""
        with self._org.lock:
            rows = [row for entry in entries for row in self._rows_of(entry)[-1:]]
        with self._org.locks.holding(rows) as unlocked:
            if self._org.settings.write_seconds:
                sleep(self._org.settings.write_seconds)
            yield unlocked

    def _meet_locks(self, entry: Wire, unlocked: frozenset[str]) -> None:
        rows = self._rows_of(entry)
        if unlocked.intersection(rows):
            raise unable_to_lock(rows[0])
        self._org.locks.meet_refusal(rows)

    def _rows_of(self, entry: Wire) -> list[str]:
        """The record, and what is locked with it: its account."""
        given = _given_id(entry)
        record = self._org.find(normal(given)) if is_id(given) else None
        parent = record.text("AccountId") if record else str(entry.get("AccountId") or "")
        return [one for one in (record.id if record else "", parent) if one]


def _created(work: Work, entry: Wire) -> str:
    return work.create(_kind(entry), entry).id


def _updated(work: Work, entry: Wire) -> str:
    return work.update(_kind(entry), _given_id(entry), entry).id


def _deleted(work: Work, entry: Wire) -> str:
    record = work.org.find(normal(entry["id"]))
    if record is None:
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    work.delete(record.object, record.id)
    return record.id


def _given_id(entry: Wire) -> object:
    return next((value for name, value in entry.items() if name.lower() == "id"), None)


def _kind(entry: Wire) -> str:
    return str(entry["attributes"]["type"])


def _refuse_untyped(entry: Wire) -> None:
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("type"), str):
        message = "The required attribute 'type' is missing in a record's attributes"
        raise ApiError("INVALID_INPUT", message)


def _refuse_repeated(entry: Wire, often: frozenset[str]) -> None:
    if _given_id(entry) and str(_given_id(entry)) in often:
        message = "Attempt to update Id more than once in this Api call"
        raise ApiError("DUPLICATE_VALUE", message, fields=("Id",))


def _rolled_back() -> Wire:
    error = ApiError(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using "
        "AllOrNone header",
    )
    return {"success": False, "errors": [error.entry()]}
