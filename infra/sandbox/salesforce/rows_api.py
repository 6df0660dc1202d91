"""Objects and single rows over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError, not_found
from infra.sandbox.salesforce.gate import caller, root
from infra.sandbox.salesforce.ids import is_id, normal
from infra.sandbox.salesforce.locks import unable_to_lock
from infra.sandbox.salesforce.org import BIN_KEEPS, Org
from infra.sandbox.salesforce.records import Actor, Record
from infra.sandbox.salesforce.rendering import rendered
from infra.sandbox.salesforce.values import read_instant, spell

_MISSING = frozenset({"INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})


class RowsApi:
    def __init__(self, org: Org) -> None:
        self._org = org

    def blueprint(self) -> Blueprint:
        api = Blueprint("rows", __name__, url_prefix="/sobjects")
        api.get("")(self.objects)
        api.get("/<object_name>")(self.basics)
        api.post("/<object_name>")(self.create)
        api.get("/<object_name>/describe")(self.describe)
        api.get("/<object_name>/deleted")(self.deleted)
        api.get("/<object_name>/updated")(self.updated)
        api.get("/<object_name>/<record_id>")(self.read)
        api.patch("/<object_name>/<record_id>")(self.update)
        api.delete("/<object_name>/<record_id>")(self.delete)
        return api

    def objects(self) -> Wire:
        shown = [one.summary(root()) for one in self._org.schema.objects()]
        return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown}

    def basics(self, object_name: str) -> Wire:
        found = self._org.schema.object(object_name)
        return {"objectDescribe": found.summary(root()), "recentItems": []}

    def describe(self, object_name: str) -> Wire:
        return self._org.schema.describe(object_name, root())

    def read(self, object_name: str, record_id: str) -> Wire:
        found = self._org.schema.object(object_name)
        names = [one for one in request.args.get("fields", "").split(",") if one]
        with self._org.lock:
            return rendered(self._org.schema, self._row(found.name, record_id), names, root())

    def create(self, object_name: str) -> tuple[Wire, int]:
        found, body = self._org.schema.object(object_name), request_body.json_object(refused)
        with self._org.transaction(self._caller()) as work:
            made = work.create(found.name, body)
        return {"id": made.id, "success": True, "errors": []}, 201

    def update(self, object_name: str, record_id: str) -> tuple[str, int]:
        found, body = self._org.schema.object(object_name), request_body.json_object(refused)
        row = self._row(found.name, record_id)
        if any(name.lower() == "id" for name in body):
            message = "The Id field should not be specified in the sobject data."
            raise ApiError("INVALID_FIELD", message, fields=("Id",))
        locks, account = self._org.locks, row.text("AccountId")
        with (
            locks.holding((account or row.id,)) as held,
            self._org.transaction(self._caller()) as work,
        ):
            if held:
                raise unable_to_lock(row.id)
            locks.meet_refusal((row.id, account))
            work.update(found.name, row.id, body)
        return "", 204

    def delete(self, object_name: str, record_id: str) -> tuple[str, int]:
        found = self._org.schema.object(object_name)
        row = self._row(found.name, record_id)
        with self._org.transaction(self._caller()) as work:
            work.delete(found.name, row.id)
        return "", 204

    def deleted(self, object_name: str) -> Wire:
        found, (start, end) = self._org.schema.object(object_name), _span()
        with self._org.lock:
            gone = [
                {"id": one.id, "deletedDate": spell(one.deleted_at)}
                for one in self._org.records(found.name).values()
                if one.deleted_at and start <= one.deleted_at < end
            ]
        return {
            "deletedRecords": gone,
            "earliestDateAvailable": spell(self._org.today() - BIN_KEEPS),
            "latestDateCovered": spell(end),
        }

    def updated(self, object_name: str) -> Wire:
        found, (start, end) = self._org.schema.object(object_name), _span()
        with self._org.lock:
            ids = [
                one.id
                for one in self._org.living(found.name)
                if isinstance(at := one.value("SystemModstamp"), datetime) and start <= at < end
            ]
        return {"ids": ids, "latestDateCovered": spell(end)}

    def _caller(self) -> Actor:
        return caller(self._org.settings.guesses)

    def _row(self, object_name: str, record_id: str) -> Record:
        """Raises the 404 of an address."""
        if not is_id(record_id):
            raise not_found("Provided external ID field does not exist or is not accessible")
        try:
            return self._org.get(object_name, normal(record_id))
        except ApiError as error:
            if error.code in _MISSING:
                raise not_found() from error
            error.status = 404
            raise


def refused(status: int, message: str) -> ApiError:
    """Of a body that is not what it should be."""
    return ApiError("JSON_PARSER_ERROR", message, status=status)


def _span() -> Sequence[datetime]:
    """To the minute, as Salesforce rounds it."""
    try:
        times = [read_instant(request.args[name].replace(" ", "+")) for name in ("start", "end")]
    except (KeyError, ValueError) as wrong:
        raise ApiError("INVALID_REPLICATION_DATE", "start and end are needed") from wrong
    return [one.replace(second=0) for one in times]
