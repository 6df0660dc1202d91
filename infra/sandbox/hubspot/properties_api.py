"""Property definitions and groups over HTTP."""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.batch_answer import Answer, batch_answer
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.properties import changed_definition, definition_from, group_from
from infra.sandbox.hubspot.records import ObjectType

BATCH_LIMIT = 100


class PropertiesApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._schema = portal.schema

    def blueprint(self) -> Blueprint:
        prefix = "/crm/properties/<version:version>/<kind:kind>"
        api = Blueprint("properties", __name__, url_prefix=prefix)
        api.get("")(self.list_properties)
        api.post("")(self.create_property)
        api.get("/<name>")(self.read_property)
        api.patch("/<name>")(self.change_property)
        api.post("/batch/create")(self.create_batch)
        api.get("/groups")(self.list_groups)
        api.post("/groups")(self.create_group)
        return api

    def list_properties(self, kind: ObjectType) -> Wire:
        return {"results": [one.to_json() for one in self._schema.definitions(kind)]}

    def read_property(self, kind: ObjectType, name: str) -> Wire:
        return self._schema.definition(kind, name).to_json()

    def create_property(self, kind: ObjectType) -> Answer:
        return self._define(kind, request_body.json_object()), 201

    def create_batch(self, kind: ObjectType) -> Answer:
        results: list[Wire] = []
        errors: list[Wire] = []
        for body in request_body.inputs(request_body.json_object(), BATCH_LIMIT):
            try:
                results.append(self._define(kind, body))
            except ApiError as refused:
                errors.append(refused.entry(name=[str(body.get("name"))]))
        return batch_answer(results, errors, self._portal.now(), success=201)

    def change_property(self, kind: ObjectType, name: str) -> Wire:
        body = request_body.json_object()
        with self._portal.lock:
            changed = changed_definition(self._schema.definition(kind, name), body)
            return self._schema.replace(kind, changed).to_json()

    def list_groups(self, kind: ObjectType) -> Wire:
        return {"results": [group.to_json() for group in self._schema.groups(kind)]}

    def create_group(self, kind: ObjectType) -> Answer:
        group = group_from(request_body.json_object())
        with self._portal.lock:
            return self._schema.add_group(kind, group).to_json(), 201

    def _define(self, kind: ObjectType, body: Wire) -> Wire:
        with self._portal.lock:
            return self._schema.add(kind, definition_from(body, self._portal.now())).to_json()
