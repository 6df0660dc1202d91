"""Associations over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.associations import KINSHIPS, Kinship
from infra.sandbox.hubspot.batch_answer import Answer, batch_answer
from infra.sandbox.hubspot.errors import ApiError, invalid
from infra.sandbox.hubspot.gate import acting_app
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import ObjectType

# The guide says 1,000 inputs, a changelog and connectors say 100: the smaller one is enforced.
BATCH_LIMIT = 100
PAGE_LIMIT = 500
"""Associated records that one answer gives for one input; ``paging`` leads on."""

_LABELS = {one.primary: "Primary" for one in KINSHIPS.values() if one.primary}


class AssociationsApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def blueprint(self) -> Blueprint:
        api = Blueprint("associations", __name__)
        pair = "/crm/associations/<version:version>/<kind:kind>/<kind:other>"
        single = "/crm/objects/<version:version>/<kind:kind>/<start>/associations/default"
        api.post(f"{pair}/batch/read")(self.read_batch)
        api.post(f"{pair}/batch/create")(self.create_batch)
        api.post(f"{pair}/batch/associate/default")(self.create_default_batch)
        api.put(f"{single}/<kind:other>/<stop>")(self.create_default)
        return api

    def read_batch(self, kind: ObjectType, other: ObjectType) -> Answer:
        _kinship(kind, other)
        batch = request_body.inputs(request_body.json_object(), BATCH_LIMIT)
        request_body.ids(batch)
        with self._portal.lock:
            read = [_read(self._portal, kind, other, one) for one in batch]
        results = [one for one in read if one["to"]]
        lonely = [one["from"]["id"] for one in read if not one["to"]]
        return batch_answer(results, _nothing_found(kind, other, lonely), self._portal.now())

    def create_batch(self, kind: ObjectType, other: ObjectType) -> Answer:
        kinship = _kinship(kind, other)
        batch = request_body.inputs(request_body.json_object(), BATCH_LIMIT)
        wanted = [(*_ends(one), _is_primary(kinship, one)) for one in batch]
        for start, stop, primary in wanted:
            self._join(kind, start, other, stop, primary=primary)
        results = [_labels(kind, other, start, stop) for start, stop, _ in wanted]
        return batch_answer(results, [], self._portal.now(), success=201)

    def create_default_batch(self, kind: ObjectType, other: ObjectType) -> Answer:
        _kinship(kind, other)
        batch = request_body.inputs(request_body.json_object(), BATCH_LIMIT)
        ends = [_ends(one) for one in batch]
        for start, stop in ends:
            self._join(kind, start, other, stop)
        results = [spec for start, stop in ends for spec in _default(kind, other, start, stop)]
        return batch_answer(results, [], self._portal.now())

    def create_default(self, kind: ObjectType, start: str, other: ObjectType, stop: str) -> Answer:
        self._join(kind, start, other, stop)
        return batch_answer(_default(kind, other, start, stop), [], self._portal.now())

    def _join(
        self, kind: ObjectType, start: str, other: ObjectType, stop: str, *, primary: bool = False
    ) -> None:
        self._portal.associate((kind, start), (other, stop), acting_app(), primary=primary)


def _kinship(kind: ObjectType, other: ObjectType) -> Kinship:
    found = KINSHIPS.get((kind, other))
    if found is None:
        raise invalid(f"No association is defined from {kind.name} to {other.name}")
    return found


def _read(portal: Portal, kind: ObjectType, other: ObjectType, one: Wire) -> Wire:
    """``after`` is how many were given already."""
    start = int(one.get("after") or 0)
    links = list(portal.associations.of((kind, one["id"]), other).items())
    page = links[start : start + PAGE_LIMIT]
    body: Wire = {"from": {"id": one["id"]}, "to": [_target(to, types) for to, types in page]}
    if len(links) > start + PAGE_LIMIT:
        body["paging"] = {"next": {"after": str(start + PAGE_LIMIT)}}
    return body


def _target(to: str, type_ids: frozenset[int]) -> Wire:
    return {
        "toObjectId": to,
        "associationTypes": [
            {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": _LABELS.get(type_id)}
            for type_id in sorted(type_ids)
        ],
    }


def _nothing_found(kind: ObjectType, other: ObjectType, ids: Sequence[str]) -> list[Wire]:
    """HubSpot reports a record without associations as an error of a 207, not as an empty list."""
    return [
        ApiError(
            404,
            "OBJECT_NOT_FOUND",
            f"No {other.singular} is associated with {kind.singular} {one}.",
            sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
            context={
                "fromObjectId": [one],
                "fromObjectType": [kind.singular],
                "toObjectType": [other.singular],
            },
        ).entry()
        for one in ids
    ]


def _ends(one: Wire) -> tuple[str, str]:
    ends = one.get("from"), one.get("to")
    if not all(isinstance(end, dict) for end in ends):
        raise invalid("Invalid input JSON: each input needs 'from' and 'to'")
    start, stop = request_body.ids([end for end in ends if isinstance(end, dict)])
    return start, stop


def _is_primary(kinship: Kinship, one: Wire) -> bool:
    types = one.get("types")
    if not isinstance(types, list) or not all(isinstance(spec, dict) for spec in types):
        raise invalid("Invalid input JSON: each input needs 'types'")
    type_ids = [spec.get("associationTypeId") for spec in types]
    if not type_ids or not all(kinship.holds(type_id) for type_id in type_ids):
        raise invalid(f"Association types {type_ids} do not join these objects")
    return kinship.primary in type_ids


def _labels(kind: ObjectType, other: ObjectType, one: str, to: str) -> Wire:
    return {
        "fromObjectTypeId": kind.type_id,
        "fromObjectId": one,
        "toObjectTypeId": other.type_id,
        "toObjectId": to,
        "labels": [],
    }


def _default(kind: ObjectType, other: ObjectType, one: str, to: str) -> list[Wire]:
    ends = (kind, one, other, to), (other, to, kind, one)
    return [
        {
            "from": {"id": start_id},
            "to": {"id": stop_id},
            "associationSpec": {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": _kinship(start, stop).plain,
            },
        }
        for start, start_id, stop, stop_id in ends
    ]
