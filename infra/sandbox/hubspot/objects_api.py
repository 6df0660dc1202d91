"""Records over HTTP: list, read, create, update, archive, one by one and in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.associations import KINSHIPS
from infra.sandbox.hubspot.batch_answer import Answer, batch_answer
from infra.sandbox.hubspot.errors import ApiError, Detail, invalid, not_found
from infra.sandbox.hubspot.gate import acting_app
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import CONTACTS, OBJECT_TYPES, End, ObjectType, Record, Revision

PAGE_LIMIT = 100
BATCH_LIMIT = 100
HISTORY_BATCH_LIMIT = 50
REVISIONS = 45
"""Of a contact's property, the newest that HubSpot still tells."""
FEWER_REVISIONS = 20
"""Of any other record's."""


class ObjectsApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def blueprint(self) -> Blueprint:
        prefix = "/crm/objects/<version:version>/<kind:kind>"
        api = Blueprint("objects", __name__, url_prefix=prefix)
        api.get("")(self.list_records)
        api.post("")(self.create_record)
        api.get("/<record_id>")(self.read_record)
        api.patch("/<record_id>")(self.update_record)
        api.delete("/<record_id>")(self.archive_record)
        api.post("/batch/read")(self.read_batch)
        api.post("/batch/create")(self.create_batch)
        api.post("/batch/update")(self.update_batch)
        api.post("/merge")(self.merge)
        api.post("/gdpr-delete")(self.erase)
        return api

    def list_records(self, kind: ObjectType) -> Wire:
        limit, after = _page_bounds()
        page = self._portal.page(kind, after, limit + 1, archived=_archived())
        body: Wire = {"results": [_asked_for(self._portal, one) for one in page[:limit]]}
        if len(page) > limit:
            body["paging"] = {"next": {"after": page[limit - 1].id}}
        return body

    def read_record(self, kind: ObjectType, record_id: str) -> Wire:
        return _asked_for(self._portal, self._portal.get(kind, record_id, archived=_archived()))

    def create_record(self, kind: ObjectType) -> Answer:
        body = request_body.json_object()
        properties = request_body.properties(body)
        _refuse_incomplete(kind, properties)
        with self._portal.lock:
            ends = [self._end(kind, one) for one in request_body.objects(body, "associations")]
            record = self._portal.create(kind, properties, acting_app())
            for end in ends:
                self._portal.associate((kind, record.id), end, acting_app())
        return to_json(self._portal, record, properties), 201

    def _end(self, kind: ObjectType, one: Wire) -> End:
        """The other end of an association that a record is made with; it must be there."""
        target, types = one.get("to"), request_body.objects(one, "types")
        (wanted,) = request_body.ids([target if isinstance(target, dict) else {}])
        named = [
            spec.get("associationTypeId")
            for spec in types
            if spec.get("associationCategory") == "HUBSPOT_DEFINED"
        ]
        for (start, stop), kinship in KINSHIPS.items():
            if start is kind and kinship.plain in named:
                return stop, self._portal.get(stop, wanted).id
        raise invalid(f"No association type of {kind.name} in {types}")

    def update_record(self, kind: ObjectType, record_id: str) -> Wire:
        properties = request_body.properties(request_body.json_object())
        record = self._portal.update(kind, record_id, properties, acting_app())
        return to_json(self._portal, record, properties)

    def archive_record(self, kind: ObjectType, record_id: str) -> tuple[str, int]:
        # Deleting what is already gone succeeds, as in HubSpot.
        if self._portal.find(kind, record_id):
            self._portal.archive(kind, record_id, acting_app())
        return "", 204

    def read_batch(self, kind: ObjectType) -> Answer:
        body = request_body.json_object()
        wanted = request_body.names(body, "properties")
        history = request_body.names(body, "propertiesWithHistory")
        limit = HISTORY_BATCH_LIMIT if history else BATCH_LIMIT
        ids = list(dict.fromkeys(request_body.ids(request_body.inputs(body, limit))))
        with self._portal.lock:
            found = {one: record for one in ids if (record := self._batch_record(kind, one))}
            distinct = {record.id: record for record in found.values()}.values()
            results = [to_json(self._portal, one, wanted, history) for one in distinct]
        missing = [one for one in ids if one not in found]
        errors = [_missing(kind, missing).entry()] if missing else []
        return batch_answer(results, errors, self._portal.now())

    def _batch_record(self, kind: ObjectType, record_id: str) -> Record | None:
        if self._portal.guesses.batch_read_follows_merges:
            record_id = self._portal.survivor_of(kind, record_id)
        return self._portal.find(kind, record_id, archived=_archived())

    def create_batch(self, kind: ObjectType) -> Answer:
        def create(_: Wire, properties: Mapping[str, str]) -> Record:
            return self._portal.create(kind, properties, acting_app())

        batch = request_body.inputs(request_body.json_object(), BATCH_LIMIT)
        return _write_each(self._portal, batch, create, success=201)

    def update_batch(self, kind: ObjectType) -> Answer:
        def update(one: Wire, properties: Mapping[str, str]) -> Record:
            if self._portal.find(kind, one["id"]) is None:
                raise _missing(kind, [one["id"]])
            return self._portal.update(kind, one["id"], properties, acting_app())

        batch = request_body.inputs(request_body.json_object(), BATCH_LIMIT)
        _refuse_repeated(request_body.ids(batch))
        return _write_each(self._portal, batch, update)

    def merge(self, kind: ObjectType) -> Wire:
        body = request_body.json_object()
        ids = [body.get(member) for member in ("primaryObjectId", "objectIdToMerge")]
        primary, other = request_body.ids([{"id": one} for one in ids])
        merged = self._portal.merge(kind, primary, [other], acting_app())
        return to_json(self._portal, merged, ())

    def erase(self, kind: ObjectType) -> tuple[str, int]:
        """``{"objectId": …}``, or an address with ``"idProperty": "email"``."""
        if kind is not CONTACTS:
            raise not_found(f"There is no privacy deletion of {kind.name}")
        body = request_body.json_object()
        (wanted,) = request_body.ids([{"id": body.get("objectId")}])
        if body.get("idProperty") == "email":
            wanted = self._portal.contact_by_email(wanted).id
        self._portal.erase(wanted, acting_app())
        return "", 204


def to_json(
    portal: Portal,
    record: Record,
    wanted: Sequence[str] | Mapping[str, str],
    history: Sequence[str] = (),
) -> Wire:
    """A record as the API gives it: every value is text, an empty one null.

    Properties that were not asked for are left out, as are those that the portal lacks.
    """
    names = dict.fromkeys([*(wanted or record.kind.defaults), *history, *record.kind.always])
    known = [name for name in names if portal.schema.find(record.kind, name)]
    body: Wire = {
        "id": record.id,
        "properties": {name: portal.value(record, name) or None for name in known},
        "createdAt": spell(record.created_at),
        "updatedAt": spell(record.updated_at),
        "archived": record.archived_at is not None,
    }
    if record.archived_at:
        body["archivedAt"] = spell(record.archived_at)
    if history:
        body["propertiesWithHistory"] = {
            name: [revision.to_json() for revision in _newest(record, name)]
            for name in history
            if name in known
        }
    return body


def _newest(record: Record, name: str) -> list[Revision]:
    kept = REVISIONS if record.kind is CONTACTS else FEWER_REVISIONS
    return record.history.get(name, [])[: -kept - 1 : -1]


Write = Callable[[Wire, Mapping[str, str]], Record]


def _write_each(portal: Portal, batch: Sequence[Wire], write: Write, success: int = 200) -> Answer:
    """Each input by itself; if none can be taken because of its values, the batch is refused."""
    writes = [(one, request_body.properties(one)) for one in batch]
    results: list[Wire] = []
    refused: list[tuple[Wire, ApiError]] = []
    for one, properties in writes:
        try:
            results.append(to_json(portal, write(one, properties), properties) | _trace(one))
        except ApiError as error:
            refused.append((one, error))
    if not results and all(error.category == "VALIDATION_ERROR" for _, error in refused):
        raise refused[0][1]
    errors = [error.entry(**_blame(one)) for one, error in refused]
    return batch_answer(results, errors, portal.now(), success=success)


def _blame(one: Wire) -> dict[str, list[str]]:
    """What the caller needs to find the guilty input: its id, its trace id, or both."""
    names = {"id": "ids", "objectWriteTraceId": "objectWriteTraceId"}
    return {context: [str(one[name])] for name, context in names.items() if name in one}


def _trace(one: Wire) -> Wire:
    return {name: one[name] for name in ("objectWriteTraceId",) if name in one}


def _refuse_incomplete(kind: ObjectType, properties: Mapping[str, str]) -> None:
    lacking = [name for name in kind.required if not properties.get(name)]
    if lacking:
        details = [
            Detail(f"{name} is required", "MISSING_REQUIRED", {"propertyName": [name]})
            for name in lacking
        ]
        raise invalid(f"Some required properties were not set: {lacking}", *details)


def _missing(kind: ObjectType, ids: Sequence[str]) -> ApiError:
    return not_found(
        f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        ids=ids,
    )


def _refuse_repeated(ids: Sequence[str]) -> None:
    repeated = [one for one, times in Counter(ids).items() if times > 1]
    if repeated:
        raise invalid(f"Duplicate IDs found in batch input: {repeated}")


def _archived() -> bool:
    """Whether only deleted records are asked for."""
    return request.args.get("archived") == "true"


def _page_bounds() -> tuple[int, int]:
    try:
        limit, after = int(request.args.get("limit", 10)), int(request.args.get("after", 0))
    except ValueError as wrong:
        raise invalid("limit and after must be numbers") from wrong
    if not 1 <= limit <= PAGE_LIMIT:
        raise invalid(f"limit must be between 1 and {PAGE_LIMIT}")
    return limit, after


def _asked_for(portal: Portal, record: Record) -> Wire:
    """As the query string asks for it."""
    with portal.lock:
        body = to_json(portal, record, _listed("properties"), _listed("propertiesWithHistory"))
        return body | _associations(portal, record)


def _listed(argument: str) -> list[str]:
    """Names by comma or by repetition, as HubSpot's clients send them."""
    return [name for part in request.args.getlist(argument) for name in part.split(",") if name]


def _associations(portal: Portal, record: Record) -> Wire:
    groups: Wire = {}
    for spelling in _listed("associations"):
        kind = OBJECT_TYPES.get(spelling)
        if kind is None or kind is record.kind:
            raise invalid(f"Unknown association {spelling!r}")
        links = portal.associations.of((record.kind, record.id), kind)
        label = f"{record.kind.singular}_to_{kind.singular}"
        if links:
            groups[kind.name] = {"results": [{"id": to, "type": label} for to in links]}
    return {"associations": groups} if groups else {}
